import { Connection } from '@temporalio/client';
import { openOwnDatabase } from '../cluster/own-database.ts';
import { startProductionTemporal } from '../cluster/production-temporal.ts';
import { createFunction } from '../test/support/lambda/function.ts';
import { openFront } from '../test/support/lambda/http-front.ts';
import { POSTGRES_URL } from '../test/support/servers.ts';
import { eventually } from '../test/support/within.ts';

/**
 * `node scripts/cold-start.ts`, after `npm run bundle`: how long both functions take to start on this machine, in the stand-in
 * for Lambda's environments that the tests use, beside Temporal's production server and PostgreSQL. Medians, in milliseconds.
 */
const ROUNDS = 5;
const NAMESPACE = 'default';
const DEPLOYMENT = 'holdfast';

await using resources = new AsyncDisposableStack();
const { address } = resources.use(await startProductionTemporal({ postgresUrl: POSTGRES_URL }));
const database = resources.use(await openOwnDatabase(POSTGRES_URL, 'cold_start'));
const connection = await Connection.connect({ address });
resources.defer(() => connection.close());

/** A function in a new environment. */
function newFunction(name: 'api' | 'worker', buildId: string) {
  const settings = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: address,
    HOLDFAST_WORKFLOW_BUNDLE: 'dist/workflows.js',
    HOLDFAST_DEPLOYMENT: DEPLOYMENT,
    HOLDFAST_BUILD_ID: buildId,
    HOLDFAST_LAMBDA_IDLE_MS: '1000',
  };
  return createFunction({ handler: `${name}/lambda.handler`, settings, timeoutMs: 60_000 });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

async function measureApi(): Promise<number[]> {
  await using fn = newFunction('api', 'none');
  await using front = await openFront(fn);
  const get = () => timed(() => fetch(`${front.url}/readyz`).then((response) => response.text()));
  const [cold, warm] = [await get(), await get()];
  return [fn.records[0]?.initMs ?? NaN, cold, warm];
}

/** A worker is there once the server has heard of its version. */
async function measureWorker(round: number): Promise<number[]> {
  const buildId = `round-${round}`;
  await using fn = newFunction('worker', buildId);
  const deploymentVersion = { deploymentName: DEPLOYMENT, buildId };
  const request = { namespace: NAMESPACE, deploymentVersion };
  const known = () =>
    connection.workflowService.describeWorkerDeploymentVersion(request).then(
      () => true,
      () => false,
    );
  const invoke = () =>
    timed(async () => {
      const { ended } = await fn.invoke({});
      await eventually(known, 'the worker to be there');
      void ended;
    });
  const cold = await invoke();
  await eventually(() => fn.running() === 0, 'the end of the invocation');
  return [fn.records[0]?.initMs ?? NaN, cold];
}

function medians(rounds: number[][]): number[] {
  const columns = rounds[0]?.map((_, n) => rounds.map((round) => round[n] ?? NaN)) ?? [];
  return columns.map((column) =>
    Math.round(column.sort((a, b) => a - b)[column.length >> 1] ?? NaN),
  );
}

async function rounds(measure: (round: number) => Promise<number[]>): Promise<number[]> {
  const all: number[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) all.push(await measure(round));
  return medians(all);
}

const [apiInit, apiCold, apiWarm] = await rounds(measureApi);
const [workerInit, workerCold] = await rounds(measureWorker);
console.table({
  api: { 'start of the environment': apiInit, 'first answer': apiCold, 'second answer': apiWarm },
  worker: { 'start of the environment': workerInit, 'first poll': workerCold },
});
