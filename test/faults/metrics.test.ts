import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { freePorts } from '../../cluster/free-ports.ts';
import { scrape } from '../support/metrics.ts';
import { eventually } from '../support/within.ts';
import { assertFamily } from './family-invariants.ts';
import { inForeground, waiting } from './family-states.ts';
import { createHandPicker, WITH_HANDS } from './hands.ts';
import { assertInvariants } from './invariants.ts';
import { untilFamilyEnded } from './open-family.ts';
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
  const settings = { ...WITH_HANDS, HOLDFAST_METRICS_PORT: String(port) };
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

it('P4 M7 ends of children that it could not store are counted too, and told to their parents once they are stored', async () => {
  const { database } = service;
  const reading = new AbortController();
  onTestFinished(() => reading.abort());
  const seed = seeded(seedOfRun());
  const stage = { service, seed, pickHand: createHandPicker(), signal: reading.signal };
  const halted = await Promise.all([inForeground(stage), waiting(stage)]);
  const before = await scrape(url);
  const grown = async (name: string) => (await scrape(url))[name]! - before[name]!;

  await database?.proxy.down();
  for (const { goOn } of halted) await goOn();
  if (database) {
    await eventually(async () => (await grown(FAILED_ENDS)) > halted.length, 'ends to be counted');
    expect(await grown(COMPLETED)).toBe(0);
    await database.proxy.up();
  }
  await Promise.all(halted.map(({ family }) => untilFamilyEnded(family)));
  // One child and its parent each.
  expect(await grown(COMPLETED)).toBe(2 * halted.length);
  await Promise.all(halted.map((one) => assertFamily(service, one)));
  await assertInvariants(
    service,
    halted.map(({ family }) => family.lead),
  );
});
