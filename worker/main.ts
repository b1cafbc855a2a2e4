import { loadConfig } from '../config.ts';
import { openShared, startWorker } from '../compose.ts';
import { runProcess } from '../run-process.ts';

await runProcess(async () => {
  const config = loadConfig(process.env);
  const shared = await openShared(config);
  const worker = await startWorker(config, shared);
  shared.log.info({ taskQueue: config.taskQueue }, 'the worker is at work');
  return { opened: [shared, worker], ended: worker.ended };
});
