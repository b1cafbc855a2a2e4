import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { startApi } from '../../compose-api.ts';
import { startWorker } from '../../compose-worker.ts';
import { loadConfig } from '../../config.ts';
import { createMetrics } from '../../metrics/create-metrics.ts';
import { createInProcessRelay } from '../../relay/in-process.ts';
import { openMemoryStore } from '../../store/open-store.ts';
import { createAuthority } from '../support/certificates.ts';
import { startTemporalRecorder } from '../support/temporal-recorder.ts';
import { eventually } from '../support/within.ts';

/** A process bundles its workflows at start, which takes long where many tests run at once. */
const WITH_BUNDLE_MS = 180_000;

it(
  'the API key and the namespace go to Temporal with every call of API and worker',
  { timeout: WITH_BUNDLE_MS },
  async () => {
    const authority = await createAuthority('Temporal test');
    await using recorder = await startTemporalRecorder(await authority.issue('temporal.test'));
    const config = loadConfig({
      PORT: '0',
      TASK_QUEUE: `test-${randomUUID()}`,
      HOLDFAST_SHUTDOWN_GRACE_MS: '0',
      TEMPORAL_ADDRESS: `127.0.0.1:${recorder.port}`,
      TEMPORAL_NAMESPACE: 'agents.a1b2c',
      TEMPORAL_API_KEY: 'the-key',
      TEMPORAL_TLS_SERVER_NAME: 'temporal.test',
      TEMPORAL_TLS_SERVER_CA_CERT_DATA: authority.cert,
    });
    await using opened = new AsyncDisposableStack();
    const shared = {
      store: opened.use(await openMemoryStore()),
      relay: createInProcessRelay(),
      metrics: createMetrics(),
      log: pino({ level: 'silent' }),
      [Symbol.asyncDispose]: async () => {},
    };
    const { url } = opened.use(await startApi(config, shared));
    opened.use(await startWorker(config, shared, new AbortController().signal));
    const started = await fetch(`${url}/v1/tasks`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ input: 'Go.' }),
    });
    expect(started.status).toBe(202);
    const methods = () => recorder.calls.map(({ method }) => method);
    const awaited = ['StartWorkflowExecution', 'PollWorkflowTaskQueue', 'PollActivityTaskQueue'];
    await eventually(() => awaited.every((method) => methods().includes(method)), awaited.join());

    expect(new Set(recorder.calls.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer the-key']),
    );
    const unnamed = recorder.calls.filter(({ namespace }) => namespace !== 'agents.a1b2c');
    // It asks for the server itself, not for a namespace of it.
    expect(new Set(unnamed.map(({ method }) => method))).toEqual(new Set(['GetSystemInfo']));
  },
);
