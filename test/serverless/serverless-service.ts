import { randomBytes, randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { inject } from 'vitest';
import { createHoldfastClient } from '../../client/create-holdfast-client.ts';
import { openOwnDatabase } from '../../cluster/own-database.ts';
import type { RunService } from '../faults/service.ts';
import { createFunction, type LambdaFunction } from '../support/lambda/function.ts';
import { openFront } from '../support/lambda/http-front.ts';
import { startModelServer } from '../support/model-server.ts';
import { POSTGRES_URL, REDIS_URL } from '../support/servers.ts';
import { eventually } from '../support/within.ts';

export const API = { handler: 'api/lambda.handler' };
export const WORKER = { handler: 'worker/lambda.handler' };
export const VERSION = { deploymentName: 'holdfast', buildId: 'test-1' };
/** `ROUTING_CONFIG_UPDATE_STATE_COMPLETED` of Temporal's API. */
const ROUTED = 2;
/** Requests that tests have open at once. */
const API_ENVIRONMENTS = 5;

export interface ServerlessOptions {
  /** Time-outs of the two functions. */
  apiMs: number;
  workerMs: number;
  /** Default: the Temporal server of the project. */
  temporalAddress?: string;
}

/** API and worker as functions, in environments as Lambda runs them, in a namespace of their own. */
export interface ServerlessService extends RunService, AsyncDisposable {
  readonly api: LambdaFunction;
  readonly worker: LambdaFunction;
  readonly namespace: string;
  /** What both functions are set to. */
  readonly settings: Record<string, string>;
  /** The last step of a deploy: from now on this version gets the runs. Waits until the server knows it. Default: `VERSION`. */
  setCurrentVersion(buildId?: string): Promise<void>;
}

export async function openServerlessService(
  options: ServerlessOptions,
): Promise<ServerlessService> {
  // What is open is closed again where the rest does not come up.
  await using resources = new AsyncDisposableStack();
  const address = options.temporalAddress ?? inject('temporalAddress');
  const database = resources.use(await openOwnDatabase(POSTGRES_URL, 'functions'));
  const model = resources.use(await startModelServer());
  const connection = await Connection.connect({ address });
  resources.defer(() => connection.close());
  const namespace = await makeNamespace(connection);
  const taskQueue = `test-${randomUUID()}`;
  const settings = {
    DATABASE_URL: database.url,
    ...(inject('clusterRelay') === 'redis' && { RELAY_URL: REDIS_URL }),
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TASK_QUEUE: taskQueue,
    OPENAI_BASE_URL: model.url,
    HOLDFAST_DEPLOYMENT: VERSION.deploymentName,
    HOLDFAST_BUILD_ID: VERSION.buildId,
    HOLDFAST_WORKFLOW_BUNDLE: inject('workflowBundlePath'),
    HOLDFAST_SHUTDOWN_GRACE_MS: '0',
    HOLDFAST_HEARTBEAT_MS: '100',
    HOLDFAST_LAMBDA_IDLE_MS: '10000',
  };
  const api = resources.use(createFunction({ ...API, settings, timeoutMs: options.apiMs }));
  const worker = resources.use(
    createFunction({ ...WORKER, settings, timeoutMs: options.workerMs }),
  );
  const { url } = resources.use(await openFront(api));
  // So that no test has to wait for environments to start.
  await Promise.all(Array.from({ length: API_ENVIRONMENTS }, () => checkHealth(url)));
  const opened = resources.move();
  return {
    client: createHoldfastClient({ baseUrl: url }),
    url,
    model,
    operator: new Client({ connection, namespace }),
    api,
    worker,
    namespace,
    taskQueue,
    settings,
    setCurrentVersion: (buildId = VERSION.buildId) =>
      makeCurrent(connection, { ...VERSION, namespace, buildId }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function checkHealth(url: string): Promise<void> {
  const response = await fetch(`${url}/healthz`);
  if (!response.ok) throw new Error(`the API does not come up: ${await response.text()}`);
}

/** A namespace that knows no search attribute, has no schedule, and no version of a worker. */
async function makeNamespace({ workflowService }: Connection): Promise<string> {
  const namespace = `functions-${randomBytes(6).toString('hex')}`;
  await workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const asked = () => workflowService.countWorkflowExecutions({ namespace });
  await eventually(() => succeeds(asked), 'the namespace to be known');
  return namespace;
}

async function makeCurrent(
  { workflowService }: Connection,
  version: typeof VERSION & { namespace: string },
): Promise<void> {
  const asked = () =>
    workflowService.setWorkerDeploymentCurrentVersion({ ...version, identity: 'a deploy' });
  // The task queue hears of it a moment later.
  const routed = async () =>
    (await workflowService.describeWorkerDeployment(version)).workerDeploymentInfo
      ?.routingConfigUpdateState === ROUTED;
  await eventually(() => succeeds(asked), 'the version to be current');
  await eventually(routed, 'tasks to go to the version');
}

async function succeeds(ask: () => Promise<unknown>): Promise<boolean> {
  return ask().then(
    () => true,
    () => false,
  );
}
