import type { Agent } from '../agents/agent.ts';
import { inputText, type Message, type TaskRecord } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { estimateTokens } from './prompt.ts';
import type { RunPlan } from './types.ts';

/** What somebody has said, in a message or in the record of a task. */
export type Said = Pick<Message, 'role' | 'content' | 'partial'>;

const DEFAULT_CONTEXT_TOKENS = 100_000;
/** Further back a run does not go on. */
const MAX_SOURCES = 100;

/**
 * What a run reads ahead of its own input, fixed when it begins: its conversation, then what it goes on from where that is
 * not in there. Whole turns are left out from the front until the rest fits the agent's context; the own input always stays.
 */
export async function viewHistory(
  store: Store,
  task: TaskRecord,
  agent: Agent | undefined,
): Promise<Pick<RunPlan, 'conversation' | 'sources'>> {
  const { turn: ordinal } = task;
  const id = readsConversation(task) ? task.conversation_id : null;
  const said = id === null ? [] : await store.readConversation(id, { from: 0, before: ordinal });
  const turns = new Map<number, number>();
  for (const { turn, ...message } of said) {
    turns.set(turn, (turns.get(turn) ?? 0) + tokensOf(message));
  }
  const sources = await readSources(store, task, new Set(said.map(({ task_id }) => task_id)));
  const ofSources = turnsOfSources(sources, task).map((turn) => sum(turn.map(tokensOf)));
  const own = estimateTokens(inputText(task.input).length);
  const room = (agent?.contextTokens ?? DEFAULT_CONTEXT_TOKENS) - own;
  const omitted = countOmitted([...turns.values(), ...ofSources], room);
  const omittedTurns = Math.min(omitted, turns.size);
  const fromOrdinal = [...turns.keys()][omittedTurns] ?? ordinal;
  const left = sources.slice(omitted - omittedTurns).map((source) => source.id);
  return {
    conversation: id === null ? null : { id, ordinal, fromOrdinal, omittedTurns },
    ...(sources.length > 0 && {
      sources: { ids: left, omittedTurns: sources.length - left.length },
    }),
  };
}

/**
 * Not so a task that another one's call has started and that takes no turn itself: it would take up what that one was asked, beside its
 * own input.
 */
function readsConversation({ parent, detached }: TaskRecord): boolean {
  return !detached || parent?.call_id === undefined;
}

/** What each source of a task has said. They come oldest first: the one that goes on from it comes next. */
export function turnsOfSources(sources: readonly TaskRecord[], task: TaskRecord): Said[][] {
  const followers = [...sources.slice(1), task];
  return sources.map((source, n) => saidBy(source, followers[n]!));
}

/** A task's input and answer; its partial answer where the one that goes on from it keeps that. */
function saidBy(
  { input, output, partial_output }: TaskRecord,
  { continue_from }: TaskRecord,
): Said[] {
  const kept = continue_from?.partial === 'keep' ? partial_output : null;
  const answer = output && 'text' in output ? output.text : kept;
  const asked: Said = { role: 'user', content: input, partial: false };
  if (!answer) return [asked];
  return [asked, { role: 'assistant', content: answer, partial: output === null }];
}

/** Tasks that the task goes on from, oldest first, back to the first that has spoken in its conversation. */
async function readSources(
  store: Store,
  task: TaskRecord,
  inConversation: ReadonlySet<string>,
): Promise<TaskRecord[]> {
  const sources: TaskRecord[] = [];
  for (let { continue_from } = task; continue_from && sources.length < MAX_SOURCES;) {
    if (inConversation.has(continue_from.task_id)) break;
    const source = await store.getTask(continue_from.task_id, task.owner);
    if (!source) break;
    sources.unshift(source);
    ({ continue_from } = source);
  }
  return sources;
}

/** How many turns have to go from the front until the rest fits. */
function countOmitted(turns: readonly number[], room: number): number {
  let total = sum(turns);
  const first = turns.findIndex((tokens) => {
    const fits = total <= room;
    total -= tokens;
    return fits;
  });
  return first < 0 ? turns.length : first;
}

function tokensOf({ content }: Pick<Said, 'content'>): number {
  return estimateTokens(inputText(content).length);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
