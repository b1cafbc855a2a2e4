import { openMetricsServer, type MetricsServer } from './api/open-metrics-server.ts';
import type { Shared } from './compose.ts';
import type { Config } from './config.ts';
import { collectProcessMetrics } from './metrics/collect-process-metrics.ts';

/** Serves the metrics of a process that has no API, where there is a port for them. Throws `KeysMissing`. */
export async function startMetrics(
  { metricsPort: port, host }: Config,
  shared: Shared,
): Promise<MetricsServer | null> {
  if (port === undefined) return null;
  collectProcessMetrics(shared.metrics);
  const server = await openMetricsServer({ ...shared, host, port });
  shared.log.info({ url: `${server.url}/metrics` }, 'the metrics can be read');
  return server;
}
