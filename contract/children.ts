import type { Failure } from './failures.ts';
import type { CustomEvent } from './run-messages.ts';
import type { TaskRecord, TaskType } from './task.ts';
import { cutBytes } from './text.ts';

/** A task below another one, as the run of that one is told of it. */
export interface Child {
  task_id: string;
  name: string | null;
}

/** Name of the signal that brings what a child has emitted to its parent's run. */
export const CHILD_EVENTS_SIGNAL = 'childEvents';

/** Which call of the parent's has started the child; left out where a caller has, and by runs of older versions. */
interface StartingCall {
  call_id?: string | undefined;
}

/** Events of a child, in order. `from`: number of the first one, counted from 1 over the child's whole life. */
export interface ChildEvents extends Child, StartingCall {
  from: number;
  events: CustomEvent[];
}

/** Name of the signal that brings the end of a child to its parent's run. */
export const CHILD_END_SIGNAL = 'childEnd';

/** How a child ended, with what it leaves behind. */
export type ChildEnd = StartingCall &
  (
    | { status: 'completed'; data: ChildResult }
    | { status: 'failed'; data: ChildLoss }
    | { status: 'cancelled'; data: ChildLoss }
  );

/** Of a child that completed. `truncated`: the whole output stands in the child's record. */
export interface ChildResult extends Child {
  output: NonNullable<TaskRecord['output']>;
  truncated?: true;
}

/** Of a child that failed or was cancelled. */
export interface ChildLoss extends Child {
  failure: Failure;
  partial_output: string | null;
  truncated?: true;
}

/** A child that a tool call has started. `background`: the call does not wait for its end. */
export interface StartedChild extends Child {
  type: TaskType;
  agent: string;
  step: number;
  call_id: string;
  background: boolean;
}

/**
 * What a call waits for: the result of one child, or the ends of several. Milliseconds. `others`: of all other children too whose
 * end the run was not told of yet.
 */
export type WaitOrder =
  | { kind: 'result'; task_id: string }
  | {
      kind: 'tasks';
      task_ids: string[];
      others?: true;
      until: 'all' | 'any';
      timeout_ms?: number;
    };

/** Most bytes of a child's output that its parent's run is told, as of a tool's own. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** The end of a child as its parent is told of it. The task must have ended. */
export function childEnd(task: TaskRecord): ChildEnd {
  const child: Child = { task_id: task.id, name: task.name };
  const call_id = task.parent?.call_id;
  if (task.status === 'COMPLETED') {
    return { status: 'completed', data: { ...child, ...boundedOutput(task.output) }, call_id };
  }
  const failure = task.failure ?? { code: 'internal', message: 'The task failed.' };
  const text = task.partial_output;
  const partial_output = text && cutBytes(text, MAX_OUTPUT_BYTES);
  const cut = partial_output === text ? {} : { truncated: true as const };
  const status = failure.code === 'cancelled' ? 'cancelled' : 'failed';
  return { status, data: { ...child, failure, partial_output, ...cut }, call_id };
}

/** A value is never cut in two: one that is too long arrives as the start of its JSON. */
function boundedOutput(output: TaskRecord['output']): Pick<ChildResult, 'output' | 'truncated'> {
  if (!output) return { output: { text: '' } };
  const text = 'text' in output ? output.text : JSON.stringify(output.value);
  const cut = cutBytes(text, MAX_OUTPUT_BYTES);
  return cut === text ? { output } : { output: { text: cut }, truncated: true };
}
