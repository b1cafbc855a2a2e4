import type { Context } from '@temporalio/activity';
import type { Agent } from '../agents/agent.ts';
import type { LogEvent } from '../contract/events.ts';
import { isTerminal, type Message } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import type { PromptMessage } from './models/model.ts';
import { patiently } from './patiently.ts';
import { buildPrompt } from './prompt.ts';
import type { HeldLogs } from './held-logs.ts';
import { readRunLog } from './run-log.ts';
import type { ConversationView, ModelCall } from './types.ts';

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
  const { taskId, conversation } = call;
  const [messages, log] = await Promise.all([
    conversation ? patiently(() => readMessages(store, conversation), stop) : [],
    call.seq > FIRST_STEP_SEQ ? patiently(() => readLog(options), stop) : [],
  ]);
  const task = await patiently(() => store.getTask(taskId), stop);
  if (!task || task.cancel_request || isTerminal(task.status)) return null;
  return buildPrompt({ agent, task, messages, log, omittedTurns: conversation?.omittedTurns ?? 0 });
}

/** Under the attempt's own signal: the client's would be aborted by a pause, which stops nothing here. */
function readLog({ context, call, stop, ...deps }: PreparePromptOptions): Promise<LogEvent[]> {
  const log = { ...call, through: call.seq };
  return context.client.withAbortSignal(stop, () => readRunLog(context, deps, log));
}

async function readMessages(
  store: Store,
  { id, ordinal, fromOrdinal }: ConversationView,
): Promise<Message[]> {
  const messages = await store.readConversation(id, ordinal);
  return messages.filter((message) => message.ordinal >= fromOrdinal);
}
