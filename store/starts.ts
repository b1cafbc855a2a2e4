import { inputText } from '../contract/task.ts';
import type { Accepted, IdempotencyKey, NewTask } from './new-task.ts';

/** What `Store.acceptTask` is asked for. */
export interface Start {
  task: NewTask;
  key?: IdempotencyKey | undefined;
  /** The tasks above it, the root first: found when its parent is checked. */
  ancestors?: string[];
  /** Of an id that was chosen: found when that is checked. */
  epoch?: number;
}

/** What becomes of a start. */
export type Outcome = PromiseSettledResult<Accepted | null>;

/** Of starts, and of characters in them: a batch stays far below the time-outs and limits of a statement. */
const MOST_TOGETHER = 100;
const MOST_TEXT_TOGETHER = 4 * 1024 * 1024;

/**
 * Whether the start may be accepted together with those before it, of the same owner: what becomes of it does not
 * depend on what becomes of them.
 */
export function goesWith(start: Start, before: readonly Start[]): boolean {
  const text = [start, ...before].reduce((sum, other) => sum + textLength(other), 0);
  return (
    before.length < MOST_TOGETHER &&
    text <= MOST_TEXT_TOGETHER &&
    !before.some((other) => clash(start, other))
  );
}

function textLength({ task }: Start): number {
  return inputText(task.input).length + (task.instructions?.length ?? 0);
}

/**
 * Two tasks of one name do so in one scope: their conversation, or where they have none, their owner. Two children count
 * in what may run below their root, which may be the same.
 */
function clash(a: Start, b: Start): boolean {
  return (
    (a.task.parent !== null && b.task.parent !== null) ||
    isShared(a.task.conversation_id, b.task.conversation_id) ||
    isShared(a.key?.key, b.key?.key) ||
    a.task.id === b.task.id ||
    isShared(nameAlone(a), nameAlone(b))
  );
}

/** The name of a task without a conversation. */
function nameAlone({ task }: Start): string | null {
  return task.conversation_id === null ? task.name : null;
}

function isShared(a: string | null | undefined, b: string | null | undefined): boolean {
  return typeof a === 'string' && a === b;
}
