import type { LogEvent } from '../contract/events.ts';
import type { DeltaFrame } from '../contract/frames.ts';

/**
 * What travels on a task's channel. `seq` of a delta: the newest log entry when its attempt began. `runId`: the workflow run
 * that says so, because one that was reset says something else; left out by 0.1.0.
 */
export type RelayMessage =
  | { kind: 'delta'; seq: number; piece: Omit<DeltaFrame, 'type'>; runId?: string | undefined }
  /** What the log has grown by, in order. Nothing that Temporal has not accepted: it may not be taken back. */
  | { kind: 'entries'; events: LogEvent[]; runId?: string | undefined }
  /** The log has grown to `lastSeq`; the entries are the workflow's to tell. */
  | { kind: 'log'; lastSeq: number; runId?: string | undefined }
  /** A cancel was recorded, and Temporal has accepted it. */
  | { kind: 'cancel' }
  /** The store holds the terminal status. */
  | { kind: 'end' };

export type RelayMessageOf<K extends RelayMessage['kind']> = Extract<RelayMessage, { kind: K }>;

/**
 * Speed, never truth: messages may be lost, doubled or late, and every reader heals from the log,
 * the heartbeat and the store. Order is kept per task where a message arrives at all.
 */
export interface Relay extends AsyncDisposable {
  /** Fire and forget: returns at once and never throws. */
  publish(taskId: string, message: RelayMessage): void;
  /**
   * Listens to one task. Returns once messages published from now on will be delivered.
   * `onMessage` must not throw. The returned function ends the subscription.
   */
  subscribe(taskId: string, onMessage: (message: RelayMessage) => void): Promise<() => void>;
}
