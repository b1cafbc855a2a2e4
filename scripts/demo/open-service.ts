import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createHoldfastClient, type HoldfastClient } from '../../client/create-holdfast-client.ts';
import { freePorts } from '../../cluster/free-ports.ts';
import { startProcess, type ServiceProcess } from '../../cluster/service-process.ts';
import { startTemporal } from '../../test/support/temporal-server.ts';

/** The service of `npm start`, on ports and in a folder of its own. */
export interface DemoService extends AsyncDisposable {
  readonly url: string;
  readonly uiUrl: string;
  readonly client: HoldfastClient;
  /** API, worker and store: `node main.ts`. */
  start(): Promise<void>;
  /** `kill -9`. Tells the process id that it had. */
  kill(): Promise<number>;
}

/**
 * Starts a Temporal development server. It is apart from the service, as Temporal is in production, so that it outlives the
 * service's process.
 */
export async function openService(): Promise<DemoService> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'holdfast-demo-'));
  await using resources = new AsyncDisposableStack();
  resources.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 3 }));
  const temporal = resources.use(await startTemporal({ dataDir }));
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const settings = {
    PORT: String(port),
    DATA_DIR: dataDir,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_UI_URL: temporal.uiUrl,
    // The loss of a process is noticed after so long without a heartbeat.
    HOLDFAST_HEARTBEAT_MS: '100',
    HOLDFAST_HEARTBEAT_TIMEOUT_MS: '1000',
    HOLDFAST_LOG_LEVEL: 'error',
  };
  let service: ServiceProcess;
  const opened = resources.move();
  return {
    url,
    uiUrl: temporal.uiUrl,
    client: createHoldfastClient({ baseUrl: url }),
    async start() {
      service = opened.use(await startProcess('main.ts', settings));
    },
    async kill() {
      await service.end('SIGKILL');
      return service.pid;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
