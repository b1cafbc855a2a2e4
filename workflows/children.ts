import type { ChildEnd, ChildEvents, StartedChild } from '../contract/children.ts';
import { callKey } from '../contract/names.ts';
import { append, type RunState } from './run-state.ts';

/** What a run knows of a task below it. */
export interface ChildState {
  /** Of its custom events, how many have come. */
  events: number;
  /** How it ended; left out while it has not, as far as the run was told. */
  ended?: ChildEnd['status'];
}

/** News of a child, as it comes. */
export type ChildNews = { kind: 'events'; news: ChildEvents } | { kind: 'end'; news: ChildEnd };

/** A call has started a child. */
export function logChild(run: RunState, child: StartedChild): void {
  childState(run, child.task_id);
  append(run, 'child.started', child);
}

/**
 * Takes news of a child into the log, each once: the next step reads it. What comes after the run's last word stays with
 * the child, whose end is then a result for the conversation.
 */
export function takeNews(run: RunState, news: ChildNews): void {
  if (!run.inbox.open) return;
  if (!run.begun || isAheadOfStart(run, news)) run.inbox.news.push(news);
  else if (news.kind === 'events') logEvents(run, news.news);
  else logEnd(run, news.news);
}

/** Logs what came before the run had begun, or before the start of its child was logged. */
export function logNews(run: RunState): void {
  for (const news of run.inbox.news.splice(0)) takeNews(run, news);
}

/** The call is under way that has started the child: the reconciler was first to start its run. */
function isAheadOfStart(run: RunState, { kind, news }: ChildNews): boolean {
  const { call_id: callId } = news;
  const taskId = kind === 'end' ? news.data.task_id : news.task_id;
  if (callId === undefined || taskId in run.children) return false;
  return run.emitted.has(callKey({ taskId: run.taskId, step: run.step, callId }));
}

/** Whether the run knows that the child has ended. */
export function hasEnded(run: RunState, taskId: string): boolean {
  return run.children[taskId]?.ended !== undefined;
}

function logEvents(run: RunState, { task_id, name, from, events }: ChildEvents): void {
  const child = childState(run, task_id);
  const fresh = events.slice(Math.max(child.events + 1 - from, 0));
  for (const event of fresh) append(run, 'child.custom', { task_id, name, ...event });
  child.events = Math.max(child.events, from - 1 + events.length);
}

function logEnd(run: RunState, { status, data }: ChildEnd): void {
  const child = childState(run, data.task_id);
  if (child.ended) return;
  child.ended = status;
  if (status === 'completed') append(run, 'child.completed', data);
  else append(run, `child.${status}`, data);
}

function childState(run: RunState, taskId: string): ChildState {
  return (run.children[taskId] ??= { events: 0 });
}
