import { randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { expect, inject } from 'vitest';
import { createModels } from '../../activities/models/create-models.ts';
import type { RunDefaults } from '../../activities/begin-task.ts';
import { agents as shippedAgents } from '../../agents/index.ts';
import type { Agent } from '../../agents/agent.ts';
import type { Tool } from '../../agents/tool.ts';
import { openApi, type RunningApi } from '../../api/open-api.ts';
import { openTemporalConnection } from '../../api/temporal-connection.ts';
import { startBalancer } from '../../cluster/balancer.ts';
import type { Message, TaskStatus } from '../../contract/task.ts';
import type { ErrorBody, Receipt, Task } from '../../contract/wire.ts';
import type { Relay } from '../../relay/relay.ts';
import type { Store } from '../../store/store.ts';
import { openWorker, type RunningWorker } from '../../worker/open-worker.ts';
import { openReader, type FeedReader, type OpenReaderOptions } from './feed-reader.ts';
import { freshFetch } from './fresh-fetch.ts';
import { historiesOf } from './histories.ts';
import { startModelServer, type ModelServer, type Turn } from './model-server.ts';
import type { RelayMood } from './relays.ts';
import { openRigShape } from './rig-shape.ts';
import { eventually } from './within.ts';

export interface RigOptions {
  relay?: RelayMood;
  /** Tools of the agent `default`, instead of the shipped ones. */
  tools?: readonly Tool[];
  /** Beside the shipped ones. */
  agents?: readonly Agent[];
  defaults?: Partial<RunDefaults>;
  modelIdleTimeoutMs?: number;
  heartbeatMs?: number;
  shutdownGraceMs?: number;
  /** False: no worker until `startWorker`. */
  worker?: boolean;
  /** Stands between the service and its store, for faults. */
  wrapStore?: (store: Store) => Store;
  /** `host:port` of Temporal as API and worker reach it: another than the shared one, for faults. */
  temporalAddress?: string;
}

/** A whole service: real Temporal, real worker, real HTTP, real store. Only what the model says is scripted. */
export interface Rig extends AsyncDisposable {
  /** A balancer before the APIs. */
  url: string;
  client: Client;
  /** Beside those of the APIs and workers, where each has its own. */
  store: Store;
  relay: Relay;
  model: ModelServer;
  taskQueue: string;
  /** Scripts a model of its own, and gives its name for a start: `openai-compatible/<key>`. */
  script(...turns: Turn[]): { model: string; key: string };
  /** `POST /v1/tasks`; expects 202. `headers` say for whom. */
  start(body: StartBody, headers?: Record<string, string>): Promise<Task>;
  get(id: string): Promise<Task>;
  cancel(id: string, body?: CancelBody): Promise<Receipt>;
  messages(conversationId: string): Promise<Message[]>;
  /** Any request; a body is sent as JSON. */
  request<T = ErrorBody>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>;
  read(id: string, options?: OpenReaderOptions & { query?: string }): Promise<FeedReader>;
  untilStatus(id: string, ...statuses: TaskStatus[]): Promise<Task>;
  /** The end of the task, whatever it is. */
  untilEnd(id: string): Promise<Task>;
  startWorker(): Promise<RunningWorker>;
  /** Stops the workers; what they did is attempted by the next one. */
  stopWorkers(): Promise<void>;
  /** Another API on the same store, as a second process would be. */
  startApi(options?: StartApiOptions): Promise<RunningApi>;
  /** Name of the workflow's status in Temporal: COMPLETED, FAILED, CANCELLED, RUNNING … */
  workflowStatus(id: string): Promise<string>;
}

export interface StartApiOptions {
  /** Another relay than the rig's own. */
  relay?: Relay;
  maxStreams?: number;
  drainDelayMs?: number;
  streamMaxMs?: number;
  keyTrustMs?: number;
  host?: string;
}

export interface StartBody {
  input: string;
  model?: string;
  conversation_id?: string;
  [field: string]: unknown;
}

export interface CancelBody {
  reason?: string;
  scope?: 'task' | 'tree';
  wait_ms?: number;
}

export interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

const QUICK: RunDefaults = {
  model: 'demo',
  maxSteps: 10,
  taskTimeoutMs: 120_000,
  maxModelAttempts: 3,
  retryBaseMs: 20,
  heartbeatTimeoutMs: 2_000,
  maxTokens: 1_000_000,
  maxHistoryEvents: 4_000,
};

let runtimeInstalled = false;

/** Opens a rig of its own: task queue, store, model server, relay. At its end every history it made is replayed. */
export async function openRig(options: RigOptions = {}): Promise<Rig> {
  quietRuntime();
  const taskQueue = `test-${randomUUID()}`;
  const address = options.temporalAddress ?? inject('temporalAddress');
  const workflowBundle = { codePath: inject('workflowBundlePath') };
  // What is open is closed again where the rest does not come up.
  await using resources = new AsyncDisposableStack();
  const model = resources.use(await startModelServer());
  // As in production: the worker's connection keeps calls to a dead server up far beyond their deadline.
  const connection = openTemporalConnection({ address });
  resources.defer(() => connection.close());
  const client = new Client({ connection });
  const agents = rigAgents(options);
  const workers: RunningWorker[] = [];
  const apis: RunningApi[] = [];
  const started = new Set<string>();
  const problems: unknown[] = [];
  let keys = 0;
  const shape = resources.use(
    await openRigShape({
      mood: options.relay ?? 'normal',
      wrapStore: options.wrapStore ?? ((store) => store),
      onRelayError: (error) => problems.push(error),
    }),
  );

  const startWorker = async () => {
    const ground = await shape.openGround();
    // A connection carries one worker of a task queue.
    const own = await NativeConnection.connect({ address });
    const opened = await openWorker({
      connection: own,
      namespace: 'default',
      taskQueue,
      ...ground,
      agents,
      models: createModels({ openaiBaseUrl: model.url }),
      defaults: { ...QUICK, ...options.defaults },
      heartbeatMs: options.heartbeatMs ?? 100,
      maxHeartbeatsPerSecond: 200,
      modelIdleTimeoutMs: options.modelIdleTimeoutMs ?? 60_000,
      shutdownGraceMs: options.shutdownGraceMs ?? 0,
      maxConcurrentActivities: 100,
      reconcileEverySeconds: 60,
      workflowBundle: inject('workflowBundlePath'),
    });
    const worker = {
      ...opened,
      async [Symbol.asyncDispose]() {
        await opened[Symbol.asyncDispose]();
        await own.close();
      },
    };
    workers.push(worker);
    return worker;
  };
  const stopWorkers = async () => {
    await Promise.all(workers.splice(0).map((worker) => worker[Symbol.asyncDispose]()));
  };
  resources.defer(stopWorkers);
  const startApi = async (options: StartApiOptions = {}) => {
    const ground = await shape.openGround();
    const api = await openApi({
      ...ground,
      relay: options.relay ?? ground.relay,
      client,
      agents,
      log: {
        warn: () => undefined,
        error: (context, message) => problems.push([message, context]),
      },
      settings: {
        host: options.host ?? '127.0.0.1',
        port: 0,
        taskQueue,
        streamMaxMs: options.streamMaxMs ?? 900_000,
        maxStreams: options.maxStreams ?? 10_000,
        drainDelayMs: options.drainDelayMs ?? 0,
        keyTrustMs: options.keyTrustMs,
        corsOrigins: [],
        temporalUiUrl: inject('temporalUiUrl'),
        namespace: 'default',
        defaultAgent: 'default',
        defaultModel: 'demo',
      },
    });
    apis.push(api);
    return api;
  };

  const stopApis = async () => {
    await Promise.all(apis.splice(0).map((api) => api[Symbol.asyncDispose]()));
  };
  resources.defer(stopApis);

  const { store, relay } = await shape.openGround();
  const replicas = Array.from({ length: shape.replicas });
  const first = await Promise.all(replicas.map(() => startApi()));
  const ports = first.map((api) => Number(new URL(api.url).port));
  const balancer = resources.use(await startBalancer(ports));
  const url = `http://127.0.0.1:${balancer.port}`;
  if (options.worker !== false) await Promise.all(replicas.map(() => startWorker()));

  async function request<T>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>> {
    const response = await freshFetch(url + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text ? JSON.parse(text) : null) as T,
    };
  }

  const get = async (id: string) => (await request<Task>('GET', `/v1/tasks/${id}`)).body;
  const untilStatus = (id: string, ...statuses: TaskStatus[]) =>
    eventually(
      async () => {
        const task = await get(id);
        return statuses.includes(task.status) && task;
      },
      `${id} to be ${statuses.join(' or ')}`,
    );

  const opened = resources.move();
  return {
    url,
    client,
    store,
    relay,
    model,
    taskQueue,
    request,
    get,
    startWorker,
    stopWorkers,
    startApi,
    untilStatus,
    untilEnd: (id) => untilStatus(id, 'COMPLETED', 'FAILED'),
    script(...turns) {
      keys += 1;
      const key = `m${keys}-${randomUUID().slice(0, 8)}`;
      model.script(key, turns);
      return { model: `openai-compatible/${key}`, key };
    },
    async start(body, headers) {
      const { status, body: task } = await request<Task>('POST', '/v1/tasks', body, headers);
      expect(status, JSON.stringify(task)).toBe(202);
      started.add(task.workflow.workflow_id);
      return task;
    },
    cancel: async (id, body = {}) =>
      (await request<Receipt>('POST', `/v1/tasks/${id}/cancel`, body)).body,
    messages: async (conversationId) =>
      (
        await request<{ data: Message[] }>(
          'GET',
          `/v1/conversations/${conversationId}/messages?limit=100`,
        )
      ).body.data,
    read: (id, { query = '', ...reader } = {}) =>
      openReader(`${url}/v1/tasks/${id}/events${query}`, reader),
    workflowStatus: async (id) => (await client.workflow.getHandle(id).describe()).status.name,
    async [Symbol.asyncDispose]() {
      await using _rest = opened;
      await stopApis();
      await stopWorkers();
      await client.schedule
        .getHandle(`holdfast-reconcile-${taskQueue}`)
        .delete()
        .catch(() => undefined);
      await replayAll(client, await withTrees(store, started), workflowBundle);
      expect(model.problems, 'requests that no script holds').toEqual([]);
      expect(problems, 'unexpected errors of API and relay').toEqual([]);
    },
  };
}

/** With the tasks that those have started. */
async function withTrees(store: Store, ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const all = new Set(ids);
  for (const id of ids) {
    const root = await store.getTask(id);
    const tree = root && (await store.listTree(id, root.owner, { limit: 100 }));
    for (const task of tree?.data ?? []) all.add(task.id);
  }
  return all;
}

/** P5: every history replays on the code as it is, of each workflow run of a task. */
async function replayAll(
  client: Client,
  ids: ReadonlySet<string>,
  workflowBundle: { codePath: string },
): Promise<void> {
  async function* histories() {
    for (const workflowId of ids) {
      const ofTask = await historiesOf(client, workflowId).catch(() => []);
      yield* ofTask.map((history) => ({ workflowId, history }));
    }
  }
  const sinks = { feed: { logGrew: { fn: () => undefined, callDuringReplay: false } } };
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { workflowBundle, sinks },
    histories(),
  )) {
    expect(error, `replay of ${workflowId}`).toBeUndefined();
  }
}

function rigAgents({ tools, agents = [] }: RigOptions): Agent[] {
  const shipped = shippedAgents.map((agent) =>
    agent.name === 'default' && tools ? { ...agent, tools } : agent,
  );
  return [...shipped, ...agents];
}

function quietRuntime(): void {
  if (runtimeInstalled) return;
  runtimeInstalled = true;
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: {
      logging: {
        filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }),
        console: {},
      },
    },
  });
}
