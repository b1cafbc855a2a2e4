import { inject } from 'vitest';
import { createInProcessRelay } from '../../relay/in-process.ts';
import type { Relay } from '../../relay/relay.ts';
import { createRandom } from './random.ts';

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
