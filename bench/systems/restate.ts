import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../cluster/free-ports.ts';
import { startNode, type NodeProcess } from '../node-process.ts';
import type { Environment, OpenSystem, System } from '../system.ts';
import { ask } from './ask.ts';
import { startPeerServer } from './peer-server.ts';
import { describePackages, installPeer } from './peer.ts';
import { createRestateClient } from './restate-client.ts';

const REGISTER_WITHIN_MS = 30_000;
const ASK_EVERY_MS = 100;

const LIMITS = {
  'streaming of tokens':
    '"not yet supported but is on the roadmap" (docs, Streaming Responses). Here each token is a message of the run\'s topic, published through the ingress one after the other, since messages that are sent at once have no order.',
  'text after a crash':
    "spliced, for connected and for later readers: the step that is taken up again publishes under the idempotency keys that the guide asks for, so what the first attempt had said stands before the rest of the second one's answer, and the stored answer is another text. Seen after a SIGKILL of the services.",
  resume:
    'by an offset that the reader counts: the events have no ids (@restatedev/pubsub-client, `sse`).',
  'end of a stream':
    'none: `pullMessages` of @restatedev/pubsub-client goes on until its reader leaves. The application publishes a last message; who reads behind it waits for ever. Seen.',
  cancel: 'reaches the model where the application hands on `attemptCompletedSignal`.',
  'partial after a cancel':
    'not with the run: it is `completed`, with the failure "[409] Cancelled". The messages of the topic stay, and are what is shown as the partial here.',
};

interface RestateOptions {
  /** Pause of a reader between two pulls; null: a second, the client's default. */
  pullIntervalMs: number | null;
}

/** Restate with its pubsub, as https://docs.restate.dev/ai/patterns/streaming-responses has it: server, services, and the server of the readers. */
export function createRestate(name: string, options: RestateOptions): System {
  return { name, limits: LIMITS, open: (environment) => openRestate(environment, options) };
}

async function openRestate(
  { modelUrl, scratchDir }: Environment,
  { pullIntervalMs }: RestateOptions,
): Promise<OpenSystem> {
  const folder = await installPeer('restate');
  await using resources = new AsyncDisposableStack();
  const server = resources.use(await startServer(folder, scratchDir));
  const env = { INGRESS_URL: server.ingress, MODEL_URL: modelUrl, NODE_ENV: 'production' };
  const services = resources.use(
    await startPeerServer({
      args: [path.join(folder, 'services.ts')],
      env: { ...env, RESTATE_LOGGING: 'ERROR' },
      ready: 'listens',
    }),
  );
  const pull: Record<string, string> =
    pullIntervalMs === null ? {} : { PULL_INTERVAL_MS: String(pullIntervalMs) };
  const readers = resources.use(
    await startPeerServer({
      args: [path.join(folder, 'readers.ts')],
      env: { ...env, ...pull },
      ready: 'listens',
    }),
  );
  await register(server.admin, services.url);
  const opened = resources.move();
  return {
    settings: {
      versions: await describePackages(folder),
      node: `${process.version}, NODE_ENV=production`,
      processes: 'server, services (which a crash kills), server of the readers',
      'server configuration': 'the default',
      'readers pull': `every ${pullIntervalMs ?? '1,000 (the default)'} ms`,
      durable: 'each token, as an invocation of its topic',
    },
    ...createRestateClient({ ingress: server.ingress, admin: server.admin, readers: readers.url }),
    crash: () => services.crash(),
    pids: () => [server.pid, ...services.pids(), ...readers.pids()],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

interface RestateServer extends NodeProcess {
  ingress: string;
  admin: string;
}

async function startServer(folder: string, dataDir: string): Promise<RestateServer> {
  const [ingress, admin, node] = (await freePorts(3)).map((port) => `127.0.0.1:${port}`);
  const binary = `@restatedev/restate-server-${os.platform()}-${os.arch()}/bin/restate-server`;
  const server = await startNode({
    command: path.join(folder, 'node_modules', binary),
    args: ['--base-dir', dataDir, '--node-name', 'bench', '--listen-mode', 'tcp', '--no-logo'],
    env: {
      RESTATE_INGRESS__BIND_ADDRESS: ingress ?? '',
      RESTATE_ADMIN__BIND_ADDRESS: admin ?? '',
      RESTATE_BIND_ADDRESS: node ?? '',
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'error,octocrab=off,restate_admin::service=info',
    },
    ready: 'Admin API starting',
  });
  return { ...server, ingress: `http://${ingress}`, admin: `http://${admin}` };
}

/** Tells the server where the services are, once it has its partitions. */
async function register(admin: string, uri: string): Promise<void> {
  const deadline = Date.now() + REGISTER_WITHIN_MS;
  for (;;) {
    try {
      return await ask(`${admin}/deployments`, { uri });
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(ASK_EVERY_MS);
    }
  }
}
