import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { startNode } from '../node-process.ts';
import type { Environment, OpenSystem, System } from '../system.ts';
import { startPeerServer } from './peer-server.ts';
import { describePackages, installPeer } from './peer.ts';
import { createRunsClient } from './runs-client.ts';

const LIMITS = {
  'text after a crash':
    'the step is taken up again when its heartbeats have been missed for 3 s; a `retry` event, which the application publishes, tells readers to drop what they have (docs, Stream LLM output).',
  'resume after the end':
    'no: the log is kept in the running workflow. Seen half a second after the end: `subscribe` ends without an item.',
  'readers of a run':
    'about 10: each one waits in an update, and the server takes 10 of them at once per workflow. Of 15 readers 2 had lost the end of the text when the workflow closed. Seen.',
  'end of a stream':
    'the application publishes it, and keeps the workflow open until a reader tells that it has had it, at most 30 s (docs, Closing the stream), and 500 ms for the others.',
  cancel:
    'comes to a step with its heartbeats, which the application sends by a timer: those of the guide go with the tokens, and a silent model has none.',
  'partial after a cancel':
    'none: status `CANCELLED`, no result, and the stream is gone. A reader who waits is told by a failed update, and misses what the step had not published yet. Seen.',
};

interface WorkflowStreamsOptions {
  /** Between two publications of a step; null: 2 seconds, the library's default. */
  batchIntervalMs: number | null;
}

/** Temporal's workflow streams, on the server that Holdfast is measured on: a worker, and the server of the readers. */
export function createWorkflowStreams(name: string, options: WorkflowStreamsOptions): System {
  return { name, limits: LIMITS, open: (environment) => openWorkflowStreams(environment, options) };
}

async function openWorkflowStreams(
  { modelUrl, temporalAddress, scratchDir }: Environment,
  { batchIntervalMs }: WorkflowStreamsOptions,
): Promise<OpenSystem> {
  const folder = await installPeer('workflow-streams');
  const env = {
    TEMPORAL_ADDRESS: temporalAddress,
    TASK_QUEUE: `bench-workflow-streams-${randomUUID()}`,
    MODEL_URL: modelUrl,
    BUNDLE_FILE: path.join(scratchDir, 'workflows.js'),
    NODE_ENV: 'production',
    ...(batchIntervalMs !== null && { BATCH_INTERVAL_MS: String(batchIntervalMs) }),
  };
  const startWorker = () =>
    startNode({ args: [path.join(folder, 'worker.ts')], env, ready: 'at work' });
  await using resources = new AsyncDisposableStack();
  let worker = await startWorker();
  resources.defer(() => worker.end('SIGKILL'));
  const server = resources.use(
    await startPeerServer({ args: [path.join(folder, 'server.ts')], env, ready: 'listens' }),
  );
  const opened = resources.move();
  return {
    settings: {
      versions: await describePackages(folder),
      node: `${process.version}, NODE_ENV=production`,
      processes: 'worker (which a crash kills), server of the readers',
      'a step publishes': `its first token at once, then every ${batchIntervalMs ?? '2,000 (the default)'} ms`,
      'readers poll': 'by updates that wait, 100 ms apart (the default)',
      heartbeats: 'every 200 ms, throttled to as much; time-out 3 s',
      'steps at once': '1,000',
      'sticky queue': "2 s, as Holdfast's",
      durable: 'each publication, as a signal',
    },
    ...createRunsClient(server.url),
    async crash() {
      await worker.end('SIGKILL');
      worker = await startWorker();
    },
    pids: () => [worker.pid, ...server.pids()],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
