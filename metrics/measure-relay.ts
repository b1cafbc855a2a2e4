import type { Relay } from '../relay/relay.ts';
import type { Metrics } from './create-metrics.ts';

/** The relay, with the deltas counted that are published on it. */
export function measureRelay(relay: Relay, { deltasPublished }: Metrics): Relay {
  return {
    ...relay,
    publish(channel, message) {
      if (message.kind === 'delta') deltasPublished.inc();
      relay.publish(channel, message);
    },
  };
}
