import type { Agent } from '../../agents/agent.ts';
import { createApp } from '../../api/app.ts';
import { openKeyring } from '../../api/auth/keyring.ts';
import type { App, AppDependencies, Readiness } from '../../api/dependencies.ts';
import { ApiError, conversationNotFound, taskNotFound } from '../../api/errors.ts';
import { guardLoopback } from '../../api/guard.ts';
import { accepted } from '../../api/feed/resume.ts';
import { feedName, formatGroupCursor, parseGroupCursor } from '../../api/feed/group-cursor.ts';
import type { Feed, GroupFeedRequest, TaskFeedRequest, Tasks } from '../../api/ports.ts';
import { parseCursor } from '../../contract/cursor.ts';
import { LOCAL_OWNER } from '../../contract/names.ts';
import { isTerminal, NO_USAGE } from '../../contract/task.ts';
import type { Receipt } from '../../contract/wire.ts';
import { createMetrics } from '../../metrics/create-metrics.ts';
import { openMemoryStore } from '../../store/open-store.ts';
import type { CancelResult, Store } from '../../store/store.ts';

const plainAgent: Agent = {
  name: 'default',
  description: 'An agent for tests.',
  instructions: 'Answer.',
  tools: [],
};

export const apiConfig = {
  corsOrigins: ['https://app.example'],
  temporalUiUrl: 'http://127.0.0.1:8233',
  namespace: 'default',
  defaultAgent: 'default',
  defaultModel: 'demo/demo',
};

export const READY: Readiness = {
  shuttingDown: () => false,
  store: async () => {},
  temporal: async () => {},
};

/** The routes over a real store in memory; what talks to Temporal and the hub is a stand-in that records its calls. */
export interface RoutesFixture extends AsyncDisposable {
  app: App;
  store: Store;
  /** Of a task, or of a group. */
  streams: Partial<TaskFeedRequest & GroupFeedRequest>[];
  logged: object[];
  /** The app again, with other parts in some places. */
  appWith(parts: Partial<AppDependencies>): App;
  /** Sends JSON; a text is sent as it is. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  startTask(body?: object): Promise<{ id: string }>;
  /** How much is stored: tasks, and conversations. */
  stored(): Promise<[number, number]>;
}

export async function openRoutes(): Promise<RoutesFixture> {
  const store = await openMemoryStore();
  const streams: RoutesFixture['streams'] = [];
  const logged: object[] = [];
  const dependencies: AppDependencies = {
    store,
    tasks: tasksOn(store),
    feed: feedThat(streams),
    readiness: { ...READY, store: () => store.ping() },
    agents: [plainAgent],
    metrics: createMetrics(),
    keyring: await openKeyring(store),
    guard: guardLoopback(apiConfig.corsOrigins),
    config: apiConfig,
    log: { warn: () => undefined, error: (context) => logged.push(context) },
  };
  const app = createApp(dependencies);
  const send = async (method: string, path: string, init: RequestInit) =>
    app.request(path, { method, ...init });
  const post: RoutesFixture['post'] = (path, body, headers) =>
    send('POST', path, {
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    app,
    store,
    streams,
    logged,
    appWith: (parts) => createApp({ ...dependencies, ...parts }),
    post,
    get: (path, headers = {}) => send('GET', path, { headers }),
    startTask: async (body = {}) =>
      (await post('/v1/tasks', { input: 'Hello', ...body })).json() as Promise<{ id: string }>,
    stored: () => countStored(store),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function countStored(store: Store): Promise<[number, number]> {
  const page = { limit: 100, order: 'asc' } as const;
  const tasks = await store.listTasks({ owner: LOCAL_OWNER }, page);
  const conversations = await store.listConversations(LOCAL_OWNER, page);
  return [tasks.data.length, conversations.data.length];
}

function tasksOn(store: Store): Tasks {
  return {
    async start(task, { key } = {}) {
      const accepted = await store.acceptTask(task, key);
      if (!accepted) throw conversationNotFound();
      return accepted;
    },
    async cancel(id, owner, { by, reason, scope }) {
      const request = { at: new Date().toISOString(), by, reason };
      const cancel = scope === 'tree' ? store.requestTreeCancel : store.requestCancel;
      const result = await cancel(id, owner, request);
      if (!result) throw taskNotFound();
      return receiptOf(result);
    },
    async cancelConversation(id, owner, { by, reason }) {
      const at = new Date().toISOString();
      const results = await store.cancelConversation(id, owner, { at, by, reason });
      if (!results) throw conversationNotFound();
      return results.map(receiptOf);
    },
    async message(task) {
      if (isTerminal(task.status))
        throw new ApiError('task_terminated', 'The task has ended.', { status: task.status });
      return { seq: 4 };
    },
    async decide(_task, { approvalId }) {
      if (approvalId !== 'appr_1')
        throw new ApiError('approval_not_found', 'The task has no such approval.');
      return { seq: 5 };
    },
    async live() {
      return null;
    },
    async forget(id, owner) {
      if (!(await store.deleteTask(id, owner))) throw taskNotFound();
    },
    async forgetEnded(conversationId, owner) {
      const ids = await store.forgetEndedTasks(conversationId, owner);
      if (!ids) throw conversationNotFound();
      return ids.length;
    },
    async forgetConversation(id, owner) {
      if (!(await store.deleteConversation(id, owner))) throw conversationNotFound();
    },
  };
}

const OUTCOMES = {
  ended: 'cancelled',
  requested: 'cancelling',
  already_terminal: 'already_terminal',
} as const;

function receiptOf({ kind, task }: CancelResult): Receipt {
  return {
    task_id: task.id,
    outcome: OUTCOMES[kind],
    status: task.status,
    requested_at: task.cancel_request?.at ?? null,
    stopped_at: task.finished_at,
    stop_latency_ms: null,
    last_seq: task.last_seq,
    partial_output: task.partial_output,
    usage: NO_USAGE,
    children: [],
  };
}

function feedThat(streams: RoutesFixture['streams']): Feed {
  const check = ({ task, cursor }: TaskFeedRequest) => accepted(parseCursor(task.id, cursor));
  const checkGroup = ({ group, cursor }: GroupFeedRequest) =>
    accepted(parseGroupCursor(feedName(group), cursor));
  const opened = (request: RoutesFixture['streams'][number]) => {
    streams.push(request);
    return new Response('retry: 1000\n\n', {
      headers: { 'Content-Type': 'text/event-stream; charset=utf-8' },
    });
  };
  return {
    async stream(request) {
      check(request);
      return opened(request);
    },
    async page(request) {
      const { seq } = check(request);
      return { data: [], next: `${request.task.id}:${seq}`, last_seq: seq, terminal: false };
    },
    async streamGroup(request) {
      checkGroup(request);
      return opened(request);
    },
    async pageGroup(request) {
      return { data: [], next: formatGroupCursor(feedName(request.group), checkGroup(request)) };
    },
    drain: async () => {},
  };
}
