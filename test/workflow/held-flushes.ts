import type { Store } from '../../store/store.ts';
import { gate, type Gate } from '../support/model-server.ts';

/** Holds runs that are about to continue as new: their log is stored, and they do not know it yet. */
export interface HeldFlushes {
  wrapStore(store: Store): Store;
  /** Of this task, the next time that its log is stored. */
  hold(taskId: string): Gate;
}

export function createHeldFlushes(): HeldFlushes {
  const flushes = new Map<string, Gate>();
  return {
    wrapStore: (store) => ({
      ...store,
      async appendLog(taskId, events) {
        await store.appendLog(taskId, events);
        const held = flushes.get(taskId);
        flushes.delete(taskId);
        await held?.pass();
      },
    }),
    hold(taskId) {
      const held = gate();
      flushes.set(taskId, held);
      return held;
    },
  };
}
