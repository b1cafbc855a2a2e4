import { loadApartConfig } from '../apart-config.ts';
import { startMetrics } from '../compose-metrics.ts';
import { startWorker } from '../compose-worker.ts';
import { openShared } from '../compose.ts';
import { runProcess } from '../run-process.ts';

await runProcess(async (opened, stop) => {
  const config = loadApartConfig(process.env);
  const shared = opened.use(await openShared(config));
  opened.use(await startMetrics(config, shared));
  const worker = opened.use(await startWorker(config, shared, stop));
  shared.log.info({ taskQueue: config.taskQueue }, 'the worker is at work');
  return worker;
});
