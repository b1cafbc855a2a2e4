import type { DeltaFrame } from '../contract/frames.ts';
import type { AppendedEntry } from '../contract/log-digest.ts';

/**
 * What travels on a task's channel, and `accepted` on its owner's. `seq` of a delta: the newest log entry when its attempt began. `runId`: the workflow run
 * that says so, because one that was reset says something else; left out by 0.1.0.
 */
export type RelayMessage =
  | { kind: 'delta'; seq: number; piece: Omit<DeltaFrame, 'type'>; runId?: string | undefined }
  /** A workflow has written an entry. Temporal may refuse it, so nothing to be shown before a `log` names its digest. */
  | { kind: 'written'; appended: AppendedEntry; runId?: string | undefined }
  /** The log has grown to `lastSeq`. With a digest: it is the one that ends with that, and Temporal has accepted it. */
  | { kind: 'log'; lastSeq: number; digest?: string | undefined; runId?: string | undefined }
  /** A cancel was recorded, and Temporal has accepted it. */
  | { kind: 'cancel' }
  /** The store holds the terminal status. */
  | { kind: 'end' }
  /** The store holds a new task of the owner, in this conversation. */
  | { kind: 'accepted'; conversationId: string | null };

export type RelayMessageOf<K extends RelayMessage['kind']> = Extract<RelayMessage, { kind: K }>;

/** Where it is told that a task of the owner was accepted. A task's channel is named by its id. */
export function ownerChannel(owner: string): string {
  return `owner:${owner}`;
}

/** Tells readers of several tasks that one was accepted. Whoever accepts a task calls this once it is in the store. */
export function announceTask(
  relay: Relay,
  task: { owner: string; conversation_id: string | null },
): void {
  relay.publish(ownerChannel(task.owner), {
    kind: 'accepted',
    conversationId: task.conversation_id,
  });
}

/**
 * Speed, never truth: messages may be lost, doubled or late, and every reader heals from the log,
 * the heartbeat and the store. Order is kept per channel where a message arrives at all.
 */
export interface Relay extends AsyncDisposable {
  /** Fire and forget: returns at once and never throws. */
  publish(channel: string, message: RelayMessage): void;
  /**
   * Listens to one channel. Returns once messages published from now on will be delivered.
   * `onMessage` must not throw. The returned function ends the subscription.
   */
  subscribe(channel: string, onMessage: (message: RelayMessage) => void): Promise<() => void>;
}
