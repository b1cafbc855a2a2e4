import type { Relay } from '../relay/relay.ts';
import type { Store } from '../store/store.ts';
import type { RunClient } from './run-client.ts';

/** What reaching runs works on. */
export interface RunsDeps {
  store: Store;
  relay: Relay;
  runs: RunClient;
}
