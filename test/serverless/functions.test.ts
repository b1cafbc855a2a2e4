import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../cluster/free-ports.ts';
import { startProcess } from '../../cluster/service-process.ts';
import type { HoldfastClient } from '../../client/create-holdfast-client.ts';
import type { Frame } from '../../contract/frames.ts';
import { SEARCH_ATTRIBUTES } from '../../contract/names.ts';
import { addUsage, NO_USAGE } from '../../contract/task.ts';
import type { Task } from '../../contract/wire.ts';
import { assertInvariants, readLog } from '../faults/invariants.ts';
import {
  callsOf,
  cancelRun,
  hitInFlight,
  pausedAnswer,
  startPaused,
  untilEnded,
  untilHeartbeat,
} from '../faults/runs.ts';
import { seeded, seedOfRun } from '../faults/text.ts';
import { entriesOf, openReader, Screen, type ReceivedFrame } from '../support/feed-reader.ts';
import type { Invocation, Outcome } from '../support/lambda/environment.ts';
import { createFunction, type LambdaFunction } from '../support/lambda/function.ts';
import { openFront } from '../support/lambda/http-front.ts';
import { gate } from '../support/model-server.ts';
import { eventually } from '../support/within.ts';
import {
  API,
  openServerlessService,
  WORKER,
  type ServerlessService,
} from './serverless-service.ts';

let service: ServerlessService;
/** The worker's function with much time, and how its first invocation ended. */
let deployed: LambdaFunction;
let firstEnded: Promise<Outcome>;
beforeAll(async () => {
  service = await openServerlessService({ apiMs: 600_000, workerMs: 60_000 });
  const settings = { ...service.settings, HOLDFAST_LAMBDA_IDLE_MS: '3000' };
  deployed = createFunction({ ...WORKER, settings, timeoutMs: 600_000 });
  ({ ended: firstEnded } = await deployed.invoke({}));
  await service.setCurrentVersion();
});
afterAll(async () => {
  await deployed[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

const paused = (count: number) => {
  const seed = seeded(seedOfRun());
  return Array.from({ length: count }, () => pausedAnswer(seed));
};

async function framesOf(client: HoldfastClient, taskId: string): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const { frame } of client.events(taskId)) frames.push(frame);
  return frames;
}

describe('the function of the worker', () => {
  it('prepares the namespace at its first invocation, and ends early when there is nothing to do', async () => {
    const { operator, namespace, taskQueue } = service;
    const { customAttributes } = await operator.connection.operatorService.listSearchAttributes({
      namespace,
    });
    const names = Object.values(SEARCH_ATTRIBUTES);
    expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(names));

    const schedule = operator.schedule.getHandle(`holdfast-reconcile-${taskQueue}`);
    const shift = await eventually(
      async () => (await schedule.describe()).info.recentActions.at(-1)?.action.workflow,
      'a shift of the reconciler',
    );
    await operator.workflow.getHandle(shift.workflowId).result();
    expect(await firstEnded).toBe('done');
  });

  it('C10 P1 hands its steps over when its time ends in mid-stream: a reset, one text, and nothing cancelled', async () => {
    const { client, operator, worker } = service;
    const starting = startPaused(service, paused(2));
    const first = await worker.invoke({});
    const runs = await starting;
    const reading = runs.map(({ taskId }) => framesOf(client, taskId));
    await hitInFlight(service, runs, async () => {
      expect(await first.ended, worker.output()).toBe('done');
    });
    const next = await worker.invoke({});
    await untilEnded(runs);

    for (const [n, run] of runs.entries()) {
      const frames = (await reading[n]) ?? [];
      expect(frames.filter(({ type }) => type === 'turn.reset')).toMatchObject([{ attempt: 2 }]);
      const failed = run.reader.entries.filter(({ type }) => type === 'turn.attempt_failed');
      expect(failed).toMatchObject([{ data: { attempt: 1, reason: 'worker_shutdown' } }]);

      const task = await client.get(run.taskId);
      const used = run.reader.entries.flatMap(({ data }) =>
        'usage' in data && 'step' in data && data.usage ? [data.usage] : [],
      );
      expect(task).toMatchObject({ status: 'COMPLETED', output: { text: run.answer } });
      expect(task.usage).toEqual(used.reduce(addUsage, NO_USAGE));
      expect(used.length).toBeGreaterThanOrEqual(2);

      const { events } = await operator.workflow.getHandle(run.taskId).fetchHistory();
      const requests = (events ?? []).filter(
        (event) => event.workflowExecutionCancelRequestedEventAttributes,
      );
      expect(requests).toEqual([]);
    }
    await assertInvariants(service, runs);
    expect(await next.ended).toBe('done');
    expect(worker.records).toMatchObject([
      { environment: 0, initMs: expect.any(Number) as number, outcome: 'done' },
      { environment: 0, initMs: null, outcome: 'done' },
    ]);
  });

  it('C1 C4 stops the model at a cancel, and keeps the partial', async () => {
    const { client, model, worker } = service;
    const scripts = paused(2);
    const starting = startPaused(service, scripts);
    const { ended } = await worker.invoke({});
    const runs = await starting;
    await untilHeartbeat(service, runs);
    await hitInFlight(service, runs, () =>
      Promise.all(runs.map((run) => cancelRun(service, run, 20_000))),
    );
    await untilEnded(runs);
    for (const [n, run] of runs.entries()) {
      expect(await client.get(run.taskId)).toMatchObject({
        status: 'FAILED',
        failure: { code: 'cancelled' },
        partial_output: scripts[n]?.said,
      });
      const calls = await callsOf(service, run);
      expect(await model.closed(run.key, calls.length)).toBe('client');
    }
    await assertInvariants(service, runs);
    expect(await ended).toBe('done');
  });

  it('C10 hands open runs on to the next version at a deploy', async () => {
    const { operator, worker, settings } = service;
    const scripts = paused(1);
    const starting = startPaused(service, scripts);
    await worker.invoke({});
    const [run] = await starting;
    const nextSettings = { ...settings, HOLDFAST_BUILD_ID: 'test-2' };
    await using next = createFunction({ ...WORKER, settings: nextSettings, timeoutMs: 600_000 });
    const { ended } = await next.invoke({});
    await service.setCurrentVersion('test-2');
    scripts[0]?.pause.open();
    await untilEnded([run!]);

    const { events } = await operator.workflow.getHandle(run!.taskId).fetchHistory();
    const versions = (events ?? []).flatMap(
      (event) => event.workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId ?? [],
    );
    expect([versions.at(0), versions.at(-1)]).toEqual(['test-1', 'test-2']);
    await assertInvariants(service, [run!]);
    await service.setCurrentVersion();
    expect(await ended).toBe('done');
  });
});

/** Collects garbage all the time: what nothing holds on to is gone at once. */
const COLLECTING = '--expose-gc --import=data:text/javascript,setInterval(gc,100).unref()';

describe('the function of the API', () => {
  const said = 'Word by word, as models do it. '.repeat(20);
  const rest = 'And then the end.';

  it('F7 ends a feed at its deadline between two frames, and another invocation goes on exactly there', async () => {
    const { client, model, settings, worker } = service;
    const collecting = { ...settings, NODE_OPTIONS: COLLECTING };
    await using short = createFunction({ ...API, settings: collecting, timeoutMs: 8_000 });
    await using front = await openFront(short);
    await firstEnded;
    await eventually(() => worker.running() === 0, 'the worker to be gone');
    const more = gate();
    model.script('slow', [
      [{ say: said, pieces: 100, everyMs: 50 }, { gate: more }, { say: rest }],
    ]);
    const task = await client.start({ input: 'Go.', model: 'openai-compatible/slow' });

    const frames: ReceivedFrame[] = [];
    const screen = new Screen();
    let connections = 0;
    let invocation: Invocation | undefined;
    while (!frames.some(({ frame }) => frame.type === 'task.completed')) {
      const cursor = frames.at(-1)?.id;
      const reader = await openReader(`${front.url}/v1/tasks/${task.id}/events`, {
        cursor,
        screen,
      });
      await reader.ended;
      frames.push(...reader.frames);
      connections += 1;
      // The first connection has nobody to ask.
      invocation ??= await worker.invoke({});
      if (screen.text(1) === said) more.open();
    }
    expect(connections).toBeGreaterThan(2);
    expect(screen.text(1)).toBe(said + rest);
    expect(entriesOf(frames)).toEqual(await readLog(service, task.id));
    expect(new Set(frames.map(({ id }) => id)).size).toBe(frames.length);
    expect(short.records.map(({ outcome }) => outcome)).toEqual(short.records.map(() => 'done'));
    expect(await invocation?.ended).toBe('done');
  });

  it.each(['function-url', 'rest-api'] as const)('answers as over a socket: %s', async (kind) => {
    const { api, settings, client } = service;
    const [port = 0] = await freePorts(1);
    await using _socket = await startProcess('api/main.ts', { ...settings, PORT: String(port) });
    await using front = await openFront(api, { kind, base64: kind === 'rest-api' });
    const { data } = await client.list({ status: ['COMPLETED', 'FAILED'], limit: 1 });
    const task = data[0];
    for (const { path, ...init } of requestsFor(task!)) {
      const [over, as] = await Promise.all(
        [`http://127.0.0.1:${port}`, front.url].map((url) => answerOf(url + path, init)),
      );
      expect(as, `${init.method ?? 'GET'} ${path}`).toEqual(over);
    }
  });

  it('takes bodies as base64, and gives back every character', async () => {
    await using front = await openFront(service.api, { base64: true });
    const input = 'größer 東京 🦆 “stop”';
    const headers = { 'Content-Type': 'application/json', Cookie: 'a=1; b=2' };
    const body = JSON.stringify({ input, timeout_seconds: 1 });
    const response = await fetch(`${front.url}/v1/tasks`, { method: 'POST', headers, body });
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ input });
  });

  it.each(['function-url', 'rest-api'] as const)(
    'refuses who was not let in by IAM: %s',
    async (kind) => {
      await using front = await openFront(service.api, { kind, iam: false });
      for (const path of ['/healthz', '/v1/tasks', '/v1/nowhere']) {
        const { status, body } = await answerOf(front.url + path, {});
        expect([status, body]).toMatchObject([401, { error: { code: 'unauthenticated' } }]);
      }
    },
  );
});

interface Request extends RequestInit {
  path: string;
}

/** Reading, refused and cancelling requests for a task that has ended. */
function requestsFor({ id, last_seq, conversation_id }: Task): Request[] {
  const json = { 'Content-Type': 'application/json' };
  const post = (path: string, body: string, headers: Record<string, string> = json): Request => ({
    ...{ path, method: 'POST', body, headers },
  });
  return [
    { path: `/v1/tasks/${id}` },
    { path: `/v1/tasks/${id}`, method: 'HEAD' },
    { path: '/v1/tasks?status=COMPLETED&status=FAILED&limit=2&order=asc' },
    { path: `/v1/conversations/${conversation_id}/messages` },
    { path: `/v1/tasks/${id}/events?after=${id}%3A1`, headers: { Accept: 'application/json' } },
    { path: `/v1/tasks/${id}/events`, headers: { 'Last-Event-ID': `${id}:${last_seq}` } },
    { path: `/v1/tasks/${id}/events`, headers: { 'Last-Event-ID': `${id}:999` } },
    { path: `/v1/tasks/${id}/events`, method: 'HEAD' },
    {
      path: `/v1/tasks/${id}/events`,
      headers: [
        ['Accept', 'application/json'],
        ['Accept', 'text/html'],
      ],
    },
    { path: '/v1/tasks/task_nobody' },
    { path: '/v1/nowhere' },
    { path: '/v1/tasks', method: 'PUT' },
    { path: '/openapi.json' },
    post('/v1/tasks', '{"input":'),
    post('/v1/tasks', '{"inputs":"a"}'),
    post('/v1/tasks', 'input=a', { 'Content-Type': 'application/x-www-form-urlencoded' }),
    post(`/v1/tasks/${id}/cancel`, '{"reason":"größer"}'),
    { path: `/v1/tasks/${id}/cancel`, method: 'POST' },
  ];
}

/** What a caller gets, without what differs between any two requests. */
async function answerOf(url: string, init: RequestInit) {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = response.headers.get('Content-Type')?.startsWith('application/json');
  const body = (isJson && text ? JSON.parse(text) : text.replace(/^retry: \d+/, '')) as unknown;
  const { error } = body as { error?: { request_id?: string } };
  if (error) delete error.request_id;
  const headers = ['Content-Type', 'Cache-Control', 'Allow', 'Location'].map((name) => [
    name,
    response.headers.get(name),
  ]);
  return { status: response.status, headers, body };
}
