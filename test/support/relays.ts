import { inject } from 'vitest';
import { createInProcessRelay } from '../../relay/in-process.ts';
import type { Relay } from '../../relay/relay.ts';

/** How the relay of a rig behaves. */
export type RelayMood = 'normal' | 'silent' | 'hostile';

/** Those to try in this project: the relay of a cluster is what it is. */
export const RELAY_MOODS: readonly RelayMood[] = inject('clusterRelay')
  ? ['normal']
  : ['normal', 'silent', 'hostile'];

/** A relay for tests. `hostile` drops, doubles, reorders and delays, the same way for the same seed. */
export function createTestRelay(mood: RelayMood, seed = 1): Relay {
  const relay = createInProcessRelay((error) => {
    throw error;
  });
  if (mood === 'normal') return relay;
  if (mood === 'silent') return { ...relay, publish: () => undefined };
  const random = createRandom(seed);
  return {
    ...relay,
    publish(taskId, message) {
      const luck = random();
      if (luck < 0.25) return;
      const delayMs = luck < 0.6 ? 0 : random() * 60;
      const send = () => relay.publish(taskId, message);
      if (delayMs === 0) send();
      else setTimeout(send, delayMs);
      if (luck > 0.8) setTimeout(send, random() * 120);
    },
  };
}

/** Mulberry32: small, and the same on every machine. https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
