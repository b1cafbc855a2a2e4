import type { Metrics } from '../../metrics/create-metrics.ts';
import type { Relay } from '../../relay/relay.ts';
import type { Store } from '../../store/store.ts';
import type { Hubs } from '../feed/hubs.ts';
import type { RunClient } from '../run-client.ts';

/** What starting and cancelling work on. */
export interface TasksDeps {
  store: Store;
  relay: Relay;
  runs: RunClient;
  hubs: Hubs;
  metrics: Pick<Metrics, 'cancelRequests'>;
}
