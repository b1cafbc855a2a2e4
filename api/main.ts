import { loadApartConfig } from '../apart-config.ts';
import { startApi } from '../compose-api.ts';
import { openShared } from '../compose.ts';
import { collectProcessMetrics } from '../metrics/collect-process-metrics.ts';
import { runProcess } from '../run-process.ts';

await runProcess(async (opened) => {
  const config = loadApartConfig(process.env);
  const shared = opened.use(await openShared(config));
  collectProcessMetrics(shared.metrics);
  const api = opened.use(await startApi(config, shared));
  const callers = api.keyless ? 'to this machine only: there are no keys' : 'to callers with a key';
  shared.log.info({ url: api.url }, `the API listens ${callers}`);
});
