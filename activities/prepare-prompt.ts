import type { Context } from '@temporalio/activity';
import type { Agent } from '../agents/agent.ts';
import type { LogEvent } from '../contract/events.ts';
import { isTerminal, type TaskRecord } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import type { PromptMessage } from './models/model.ts';
import { patiently } from './patiently.ts';
import { buildPrompt } from './prompt.ts';
import type { HeldLogs } from './held-logs.ts';
import { readRunLog } from './run-log.ts';
import type { ConversationView, ModelCall, SourceView } from './types.ts';
import { turnsOfSources, type Said } from './view-history.ts';

export interface PreparePromptOptions {
  store: Store;
  logs: HeldLogs;
  context: Context;
  call: ModelCall;
  agent: Agent;
  stop: AbortSignal;
}

/** The log when the first step begins, where nothing has come before: accepted, started, the step. */
const FIRST_STEP_SEQ = 3;

/**
 * Puts the prompt together from the conversation and the run's own log, and reads the task's row last: the look that
 * stands immediately before the provider call. Null: a cancel is recorded or the task has ended, so no call may follow.
 */
export async function preparePrompt(
  options: PreparePromptOptions,
): Promise<PromptMessage[] | null> {
  const { store, call, agent, stop } = options;
  const { taskId, conversation, sources } = call;
  const [messages, records, log] = await Promise.all([
    conversation ? patiently(() => readMessages(store, conversation), stop) : [],
    sources ? patiently(() => readRecords(store, sources), stop) : [],
    call.seq > FIRST_STEP_SEQ ? patiently(() => readLog(options), stop) : [],
  ]);
  const task = await patiently(() => store.getTask(taskId), stop);
  if (!task || task.cancel_request || isTerminal(task.status)) return null;
  const own: Said = { role: 'user', content: task.input, partial: false };
  const said = [...messages, ...turnsOfSources(records, task).flat(), own];
  const omittedTurns = (conversation?.omittedTurns ?? 0) + (sources?.omittedTurns ?? 0);
  return buildPrompt({ agent, task, messages: said, log, omittedTurns });
}

/** Under the attempt's own signal: the client's would be aborted by a pause, which stops nothing here. */
function readLog({ context, call, stop, ...deps }: PreparePromptOptions): Promise<LogEvent[]> {
  const log = { ...call, through: call.seq };
  return context.client.withAbortSignal(stop, () => readRunLog(context, deps, log));
}

function readMessages(
  store: Store,
  { id, ordinal: before, fromOrdinal: from }: ConversationView,
): Promise<Said[]> {
  return store.readConversation(id, { from, before });
}

/** One that was forgotten meanwhile is missed by nobody. */
async function readRecords(store: Store, { ids }: SourceView): Promise<TaskRecord[]> {
  const records = await Promise.all(ids.map((id) => store.getTask(id)));
  return records.filter((record) => record !== null);
}
