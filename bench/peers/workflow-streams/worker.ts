import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  bundleWorkflowCode,
  NativeConnection,
  Runtime,
  DefaultLogger,
  Worker,
} from '@temporalio/worker';
import * as activities from './activities.ts';
import { ADDRESS, BUNDLE_FILE, HEARTBEAT_MS, TASK_QUEUE } from './settings.ts';

const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });
if (!existsSync(BUNDLE_FILE)) {
  const workflowsPath = fileURLToPath(new URL('./workflows.ts', import.meta.url));
  const { code } = await bundleWorkflowCode({ workflowsPath, logger });
  await writeFile(BUNDLE_FILE, code);
}
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: ADDRESS }),
  taskQueue: TASK_QUEUE,
  workflowBundle: { codePath: BUNDLE_FILE },
  activities,
  // By default 100, which would let 200 runs wait for each other.
  maxConcurrentActivityTaskExecutions: 1_000,
  maxHeartbeatThrottleInterval: HEARTBEAT_MS,
  // As Holdfast's worker. A killed worker's runs wait so long for it; by default 10 s.
  stickyQueueScheduleToStartTimeout: '2 seconds',
});
const running = worker.run();
console.log('the worker is at work');
await running;
