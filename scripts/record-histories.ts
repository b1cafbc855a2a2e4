import { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { createModels } from '../activities/models/create-models.ts';
import { agents } from '../agents/index.ts';
import { newId } from '../api/ids.ts';
import { LOCAL_OWNER } from '../contract/names.ts';
import { createMetrics } from '../metrics/create-metrics.ts';
import { createInProcessRelay } from '../relay/in-process.ts';
import { createRunClient } from '../runs/run-client.ts';
import { openMemoryStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import { historiesOf } from '../test/support/histories.ts';
import { startModelServer, type ModelServer, type Turn } from '../test/support/model-server.ts';
import { startTemporal } from '../test/support/temporal-server.ts';
import { openWorker } from '../worker/open-worker.ts';

/*
 * Records one history of each kind into test/replay/<version of package.json>/, where test/workflow/replay.test.ts finds
 * it. Run it before a release: node scripts/record-histories.ts
 * Histories of a version that was released stay as they are for as long as runs of that version may be open.
 */

const ROOT = path.resolve(import.meta.dirname, '..');
const TASK_QUEUE = 'recorded';

interface Scenario {
  name: string;
  turns: Turn[];
  timeoutSeconds?: number;
  /** The run is cancelled once its model has been called so often. */
  cancelAfterCall?: number;
}

const calculates: Turn = [
  { reason: 'A product. ' },
  { say: 'Let me calculate. ' },
  { call: { id: 'call-1', name: 'calculator', arguments: { expression: '17*23' } } },
];
const answers: Turn = [{ say: 'It is 391.', pieces: 3 }];
const stalls: Turn = [{ say: 'It is' }, { stall: true }];

const SCENARIOS: Scenario[] = [
  { name: 'tool-call', turns: [calculates, answers] },
  { name: 'retried', turns: [[{ say: 'It' }, { cut: true }], [{ status: 503 }], answers] },
  { name: 'failed', turns: [[{ status: 400 }]] },
  { name: 'timed-out', turns: [calculates, stalls], timeoutSeconds: 1 },
  { name: 'cancelled', turns: [calculates, stalls], cancelAfterCall: 2 },
  { name: 'continued', turns: [calculates, calculates, calculates, calculates, answers] },
];

/** A service of its own, with a scripted model, on which all scenarios run one after another. */
async function recordAll(folder: string): Promise<void> {
  await using server = await startTemporal();
  const connection = await NativeConnection.connect({ address: server.address });
  await using model = await startModelServer();
  await using store = await openMemoryStore();
  await using relay = createInProcessRelay(console.error);
  await using _worker = await openWorker({
    ...{ connection, namespace: 'default', taskQueue: TASK_QUEUE, store, relay, agents },
    metrics: createMetrics(),
    models: createModels({ openaiBaseUrl: model.url }),
    defaults: {
      ...{ model: 'demo', maxSteps: 10, taskTimeoutMs: 60_000, maxModelAttempts: 3 },
      ...{ retryBaseMs: 20, heartbeatTimeoutMs: 10_000, maxTokens: 100_000, maxHistoryEvents: 30 },
    },
    ...{ heartbeatMs: 100, maxHeartbeatsPerSecond: 200 },
    ...{ modelIdleTimeoutMs: 30_000, shutdownGraceMs: 0 },
    ...{ maxConcurrentActivities: 10, reconcileEverySeconds: 60 },
  });
  const client = new Client({ connection });
  for (const scenario of SCENARIOS) {
    const taskId = await run(scenario, { client, store, model });
    await writeHistories(folder, scenario.name, { client, taskId });
  }
  if (model.problems.length > 0) throw new Error(model.problems.join('; '));
}

interface Service {
  client: Client;
  store: Store;
  model: ModelServer;
}

/** Carries out a scenario until its workflow has closed. Gives the task's id. */
async function run(scenario: Scenario, { client, store, model }: Service): Promise<string> {
  const { name, turns, timeoutSeconds = null, cancelAfterCall } = scenario;
  model.script(name, turns);
  const accepted = await store.acceptTask({
    ...{ id: newId('task'), owner: LOCAL_OWNER, type: 'agent_run', agent: 'default' },
    ...{ model: `openai-compatible/${name}`, instructions: null, name: null, description: null },
    ...{ input: 'What is 17*23?', conversation_id: newId('conv'), parent: null, metadata: {} },
    limits: { timeout_seconds: timeoutSeconds, max_steps: null },
  });
  if (!accepted) throw new Error('the task was not accepted');
  const { task } = accepted;
  const runs = createRunClient({ client: () => client, taskQueue: TASK_QUEUE });
  await runs.start(task);
  if (cancelAfterCall !== undefined) {
    await model.arrived(name, cancelAfterCall);
    await runs.cancel(task.id);
  }
  // It rejects for a run that failed or was cancelled, which some are meant to.
  await client.workflow.result(task.id).catch(() => undefined);
  return task.id;
}

/** Writes the history of each workflow run of a task, from the first one on. */
async function writeHistories(
  folder: string,
  name: string,
  { client, taskId: workflowId }: { client: Client; taskId: string },
): Promise<void> {
  for (const [index, { events }] of (await historiesOf(client, workflowId)).entries()) {
    const history = JSON.parse(historyToJSON({ events: events ?? [] })) as object;
    const json = anonymous(JSON.stringify({ workflowId, ...history }, null, 2));
    await writeFile(path.join(folder, `${name}-${index + 1}.json`), `${json}\n`);
  }
}

/** Without the machine that recorded it: who it was, and where its files lie. */
function anonymous(json: string): string {
  return json.replaceAll(`${process.pid}@${hostname()}`, 'worker').replaceAll(`${ROOT}/`, '');
}

Runtime.install({ logger: new DefaultLogger('ERROR') });
const { version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
};
const folder = path.join(ROOT, 'test/replay', version);
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await recordAll(folder);
