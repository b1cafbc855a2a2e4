import { ownerChannel, type Relay } from '../../relay/relay.ts';
import type { TaskGroup } from '../../store/store.ts';
import { createPacer } from './pacer.ts';
import { reconcileMs, retryMs } from './pauses.ts';

/** Several tasks are accepted at once, and the store is asked for them together. */
const BELL_MS = 5;

/** When to look whether tasks were accepted: at the relay's bell, and from time to time, because it may not have rung. */
export interface Lookout {
  /** Waits until it is time. `failures`: looks that failed since one succeeded. */
  pause(failures: number): Promise<void>;
  /** The tasks that are known move, so that others are likelier. */
  moved(): void;
  /** It is time now. */
  hasten(): void;
  /** Ends a pause, and hears no bell any more. */
  close(): void;
}

export async function openLookout(relay: Relay, group: TaskGroup): Promise<Lookout> {
  const pacer = createPacer();
  let movedAt = performance.now();
  const unsubscribe = await relay.subscribe(ownerChannel(group.owner), (message) => {
    if (message.kind !== 'accepted') return;
    if (group.conversationId !== null && group.conversationId !== message.conversationId) return;
    pacer.hasten(BELL_MS);
  });
  return {
    async pause(failures) {
      const idleMs = performance.now() - movedAt;
      await pacer.pause(failures === 0 ? reconcileMs(idleMs) : retryMs(failures));
    },
    moved() {
      movedAt = performance.now();
    },
    hasten: () => pacer.hasten(0),
    close() {
      unsubscribe();
      pacer.hasten(0);
    },
  };
}
