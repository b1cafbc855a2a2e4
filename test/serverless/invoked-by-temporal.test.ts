import { randomUUID } from 'node:crypto';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  startProductionTemporal,
  type ProductionTemporal,
} from '../../cluster/production-temporal.ts';
import { assertInvariants } from '../faults/invariants.ts';
import { hitInFlight, pausedAnswer, startPaused, untilEnded } from '../faults/runs.ts';
import { seeded, seedOfRun } from '../faults/text.ts';
import { openLambdaApi, type LambdaApi } from '../support/lambda/lambda-api.ts';
import { POSTGRES_URL } from '../support/servers.ts';
import { eventually } from '../support/within.ts';
import { openServerlessService, VERSION, type ServerlessService } from './serverless-service.ts';

const ARN = 'arn:aws:lambda:eu-central-1:000000000000:function:holdfast-worker:1';

let lambda: LambdaApi;
let temporal: ProductionTemporal;
let service: ServerlessService;
beforeAll(async () => {
  lambda = await openLambdaApi();
  // As https://docs.temporal.io tells for a server of one's own, but for the roles, which nothing here could check.
  temporal = await startProductionTemporal({
    postgresUrl: POSTGRES_URL,
    dynamicSettings: {
      'workercontroller.enabled': true,
      'workercontroller.compute_providers.enabled': ['aws-lambda'],
      'workercontroller.scaling_algorithms.enabled': ['no-sync'],
      'workercontroller.compute_providers.aws.require_role_and_external_id': false,
    },
    variables: {
      AWS_ENDPOINT_URL_LAMBDA: lambda.url,
      AWS_ACCESS_KEY_ID: 'nobody',
      AWS_SECRET_ACCESS_KEY: 'nothing',
    },
  });
  service = await openServerlessService({
    ...{ apiMs: 600_000, workerMs: 45_000, temporalAddress: temporal.address },
  });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await temporal[Symbol.asyncDispose]();
  await lambda[Symbol.asyncDispose]();
});

/** Tells Temporal of the version, and that it is the function's. */
async function deploy({ namespace, operator }: ServerlessService): Promise<void> {
  const by = { namespace, identity: 'a deploy', requestId: randomUUID() };
  const { workflowService } = operator;
  await workflowService.createWorkerDeployment({
    ...by,
    deploymentName: VERSION.deploymentName,
  });
  const details = defaultPayloadConverter.toPayload({ arn: ARN });
  await workflowService.createWorkerDeploymentVersion({
    ...by,
    deploymentVersion: VERSION,
    computeConfig: { scalingGroups: { all: { provider: { type: 'aws-lambda', details } } } },
  });
}

it('C10 Temporal invokes the function when it is deployed, when there is work and nobody, and when one hands over', async () => {
  const { model, worker } = service;
  lambda.add(ARN, worker);
  await deploy(service);
  await service.setCurrentVersion();
  await eventually(() => worker.records.length > 0 && worker.running() === 0, 'nobody to be there');

  const run = (await startPaused(service, [pausedAnswer(seeded(seedOfRun()))]))[0]!;
  const call = model.calls(run.key);
  await hitInFlight(service, [run], () => model.closed(run.key, call));
  await untilEnded([run]);
  const failed = run.reader.entries.filter(({ type }) => type === 'turn.attempt_failed');
  expect(failed).toMatchObject([{ data: { attempt: 1, reason: 'worker_shutdown' } }]);
  expect((await service.client.get(run.taskId)).status).toBe('COMPLETED');
  await assertInvariants(service, [run]);
  expect(worker.records.map(({ outcome }) => outcome)).toEqual(worker.records.map(() => 'done'));
});
