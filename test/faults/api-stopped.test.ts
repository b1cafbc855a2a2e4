import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/within.ts';
import { assertInvariants } from './invariants.ts';
import { pausedAnswer, startPaused, untilEnded } from './runs.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun } from './text.ts';

const RUNS = 6;

let service: Service;
beforeAll(async () => {
  const settings = { HOLDFAST_DRAIN_DELAY_MS: '5000' };
  service = await openService({ processes: 'two', settings });
});
afterAll(() => service[Symbol.asyncDispose]());

it('SIGTERM to the API: it is not ready first, then lets readers go, and they go on at the next one', async () => {
  const seed = seeded(seedOfRun());
  const scripts = Array.from({ length: RUNS }, () => pausedAnswer(seed));
  const runs = await startPaused(service, scripts);

  const exited = service.api.stop('SIGTERM');
  await eventually(async () => {
    const response = await fetch(`${service.url}/readyz`);
    return response.status === 503 && (await response.text()).includes('shutting_down');
  }, 'the API to say that it is shutting down');
  expect(await exited).toBe(0);

  for (const { pause } of scripts) pause.open();
  await service.api.start();
  await untilEnded(runs);
  for (const { taskId } of runs)
    expect((await service.client.get(taskId)).status).toBe('COMPLETED');
  await assertInvariants(service, runs);
});
