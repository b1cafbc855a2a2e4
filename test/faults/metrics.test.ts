import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePorts } from '../../cluster/free-ports.ts';
import { scrape } from '../support/metrics.ts';
import { eventually } from '../support/within.ts';
import { assertInvariants } from './invariants.ts';
import { pausedAnswer, startPaused, untilEnded } from './runs.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun } from './text.ts';

const RUNS = 4;
const FAILED_ENDS = 'holdfast_end_commit_failures_total';
const COMPLETED = 'holdfast_tasks_ended_total{outcome="completed"}';

let service: Service;
/** Where the metrics of the process are that carries the runs. */
let url: string;
beforeAll(async () => {
  const [port] = await freePorts(1);
  const settings = { HOLDFAST_METRICS_PORT: String(port) };
  service = await openService({ processes: 'two', settings });
  url = service.database ? `http://127.0.0.1:${port}` : service.url;
});
afterAll(() => service[Symbol.asyncDispose]());

it('P4 a worker tells at a port of its own how many ends it could not store, while the database is away too', async () => {
  const { database } = service;
  const seed = seeded(seedOfRun());
  const scripts = Array.from({ length: RUNS }, () => pausedAnswer(seed, { withTool: false }));
  const runs = await startPaused(service, scripts);
  expect(await scrape(url)).toMatchObject({ [FAILED_ENDS]: 0, [COMPLETED]: 0 });

  await database?.proxy.down();
  for (const { pause } of scripts) pause.open();
  if (database) {
    await eventually(async () => (await scrape(url))[FAILED_ENDS]! > RUNS, 'ends to be counted');
    expect(await scrape(url)).toMatchObject({ [COMPLETED]: 0 });
    await database.proxy.up();
  }
  await untilEnded(runs);
  const samples = await scrape(url);
  expect(samples).toMatchObject({ [COMPLETED]: RUNS });
  expect(samples['process_resident_memory_bytes']).toBeGreaterThan(0);
  await assertInvariants(service, runs);
});
