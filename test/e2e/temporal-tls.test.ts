import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { probeTemporal } from '../../api/temporal-connection.ts';
import { createHoldfastClient } from '../../client/create-holdfast-client.ts';
import { startApi } from '../../compose-api.ts';
import { startWorker } from '../../compose-worker.ts';
import { loadConfig, type Config } from '../../config.ts';
import { createMetrics } from '../../metrics/create-metrics.ts';
import { createInProcessRelay } from '../../relay/in-process.ts';
import { openMemoryStore } from '../../store/open-store.ts';
import { createAuthority, type Identity } from '../support/certificates.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** A process bundles its workflows at start, which takes long where many tests run at once. */
const WITH_BUNDLE_MS = 180_000;

/** The development server behind TLS, for clients with a certificate of `authority` only. */
let proxy: TcpProxy;
let folder: string;
/** Files of the folder by what they hold. */
const file = (name: string) => path.join(folder, `${name}.pem`);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-tls-'));
  const [authority, stranger] = await Promise.all(['Ours', 'Theirs'].map(createAuthority));
  const identities: Record<string, Identity> = {
    server: await authority!.issue('temporal.test'),
    client: await authority!.issue('client'),
    stranger: await stranger!.issue('client'),
  };
  const texts = Object.entries(identities).flatMap(([name, { cert, key }]) => [
    [name, cert],
    [`${name}-key`, key],
  ]);
  texts.push(['authority', authority!.cert], ['strangers', stranger!.cert]);
  await Promise.all(texts.map(([name = '', text = '']) => writeFile(file(name), text)));
  const [host = '', port] = inject('temporalAddress').split(':');
  const tls = {
    ...identities['server'],
    ca: authority!.cert,
    requestCert: true,
    ALPNProtocols: ['h2'],
  };
  proxy = await startTcpProxy({ host, port: Number(port), tls });
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function secured(env: NodeJS.ProcessEnv = {}): Config {
  return loadConfig({
    PORT: '0',
    TASK_QUEUE: `test-${randomUUID()}`,
    TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}`,
    TEMPORAL_TLS_SERVER_NAME: 'temporal.test',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('authority'),
    TEMPORAL_TLS_CLIENT_CERT_PATH: file('client'),
    TEMPORAL_TLS_CLIENT_KEY_PATH: file('client-key'),
    ...env,
  });
}

it(
  'a run is carried out over TLS with client certificates',
  { timeout: WITH_BUNDLE_MS },
  async () => {
    const config = secured();
    await using opened = new AsyncDisposableStack();
    const shared = {
      store: opened.use(await openMemoryStore()),
      relay: createInProcessRelay(),
      metrics: createMetrics(),
      log: pino({ level: 'silent' }),
      [Symbol.asyncDispose]: async () => {},
    };
    const worker = opened.use(await startWorker(config, shared, new AbortController().signal));
    opened.defer(() =>
      worker.client.schedule.getHandle(`holdfast-reconcile-${config.taskQueue}`).delete(),
    );
    const { url } = opened.use(await startApi(config, shared));
    const client = createHoldfastClient({ baseUrl: url });
    const { id } = await client.start({ input: 'Go.' });
    for await (const _ of client.events(id)) void _;
    expect((await client.get(id)).status).toBe('COMPLETED');
  },
);

function optionsOf(env: NodeJS.ProcessEnv) {
  const { namespace: _, ...options } = secured(env).temporal;
  return options;
}

it('a server whose certificate is of an unknown authority is refused, and the error says so', async () => {
  const options = optionsOf({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('strangers') });
  await expect(probeTemporal(options)).rejects.toThrow('certificate');
  await expect(NativeConnection.connect(options)).rejects.toThrow('UnknownIssuer');
});

it('a server that is not the one that was named is refused, and the error says so', async () => {
  const options = optionsOf({ TEMPORAL_TLS_SERVER_NAME: 'elsewhere.test' });
  await expect(probeTemporal(options)).rejects.toThrow('Host: elsewhere.test. is not in the cert');
  await expect(NativeConnection.connect(options)).rejects.toThrow('NotValidForName');
});

it('a client whose certificate the server does not know does not come in', async () => {
  const options = optionsOf({
    TEMPORAL_TLS_CLIENT_CERT_PATH: file('stranger'),
    TEMPORAL_TLS_CLIENT_KEY_PATH: file('stranger-key'),
  });
  await expect(probeTemporal(options)).rejects.toThrow('UNAVAILABLE');
  await expect(NativeConnection.connect(options)).rejects.toThrow('transport');
});
