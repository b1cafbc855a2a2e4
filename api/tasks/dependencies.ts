import type { Metrics } from '../../metrics/create-metrics.ts';
import type { RunsDeps } from '../../runs/dependencies.ts';
import type { Hubs } from '../feed/hubs.ts';

/** What starting and cancelling work on. */
export interface TasksDeps extends RunsDeps {
  hubs: Hubs;
  metrics: Pick<Metrics, 'cancelRequests'>;
}
