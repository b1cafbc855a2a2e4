import { afterAll, beforeAll, expect, it } from 'vitest';
import { gate } from '../support/model-server.ts';
import { scrape, type Samples } from '../support/metrics.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { createStoreFaults, REFUSED } from '../support/store-faults.ts';
import { eventually } from '../support/within.ts';
import { halfAnswer } from './cancelled-run.ts';
import { call, childrenOf, createCast, entriesOf, startLead } from './family.ts';

const FAILURES = 3;
const faults = createStoreFaults();
const cast = createCast(['worker']);

let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents, wrapStore: faults.wrap });
});
afterAll(() => rig[Symbol.asyncDispose]());

const FAILED_ENDS = 'holdfast_end_commit_failures_total';
const UNAVAILABLE = 'holdfast_store_errors_total{reason="unavailable"}';
const endedAs = (outcome: string) => `holdfast_tasks_ended_total{outcome="${outcome}"}`;

/** A hub outlives its last reader a little. */
const untilUnwatched = () =>
  eventually(async () => (await scrape(rig.url))['holdfast_feed_hubs'] === 0, 'hubs to be closed');

/** How much each of the metrics has grown by what is done. */
async function growth(work: () => Promise<unknown>): Promise<(name: string) => number> {
  const before = await scrape(rig.url);
  await work();
  const after = await scrape(rig.url);
  return (name) => valueOf(after, name) - valueOf(before, name);
}

function valueOf(samples: Samples, name: string): number {
  expect(samples).toHaveProperty([name]);
  return samples[name]!;
}

it('P4 every failed commit of an end is counted, and then the end itself, once', async () => {
  const { model } = rig.script([{ say: 'All is well.' }]);
  faults.refuse('finishTask', FAILURES);
  const grown = await growth(async () => {
    const { id } = await rig.start({ input: 'How does it end?', model });
    expect((await rig.untilEnd(id)).status).toBe('COMPLETED');
  });
  expect(faults.hits('finishTask')).toBe(FAILURES);
  expect(grown(FAILED_ENDS)).toBe(FAILURES);
  expect(grown(UNAVAILABLE)).toBe(FAILURES);
  expect(grown(endedAs('completed'))).toBe(1);
  expect(grown('holdfast_tasks_accepted_total')).toBe(1);
  expect(grown('holdfast_tasks_started_total')).toBe(1);
});

it('P4 M7 so is that of a child, while its parent waits: that is told of it once it is stored', async () => {
  cast.direct(rig, 'worker', [{ say: 'The well is dry.' }]);
  const asks = call('spawn_agent', { agent: 'worker', input: 'Is there water?' });
  faults.refuse('finishTask');
  const grown = await growth(async () => {
    const { id } = await startLead(rig, [[asks], [{ say: 'There is none.' }]]);
    const isStuck = async () => {
      const [child] = await childrenOf(rig, id);
      return child && (await rig.get(child.id)).live?.persistence_error?.includes(REFUSED);
    };
    await eventually(isStuck, 'the child to say what is wrong');
    expect(await rig.get(id)).toMatchObject({ status: 'RUNNING', live: { tool: 'spawn_agent' } });
    faults.heal();
    expect((await rig.untilEnd(id)).output).toEqual({ text: 'There is none.' });
    expect(await entriesOf(rig, id, 'child.completed')).toHaveLength(1);
  });
  expect(faults.hits('finishTask')).toBeGreaterThan(0);
  expect(grown(FAILED_ENDS)).toBe(faults.hits('finishTask'));
  expect(grown(endedAs('completed'))).toBe(2);
});

it('P4 also where the reconciler ends a task whose workflow was terminated', async () => {
  const { model } = rig.script([{ say: 'All is' }, { stall: true }]);
  const grown = await growth(async () => {
    const { id } = await rig.start({ input: 'How does it end?', model });
    const reader = await rig.read(id);
    await reader.untilTrue(() => reader.screen.text(1) === 'All is');
    faults.refuse('finishTask', 1);
    await rig.client.workflow.getHandle(id).terminate();
    // It looks at each task every ten seconds.
    await eventually(() => faults.hits('finishTask') === 1, 'the reconciler to try');
    expect((await rig.untilEnd(id)).failure?.code).toBe('terminated');
    await reader.ended;
  });
  expect(grown(FAILED_ENDS)).toBe(1);
  expect(grown(endedAs('terminated'))).toBe(1);
  expect(grown(endedAs('completed'))).toBe(0);
});

it('what is read and what is watched is counted while it lasts, and what was sent for good', async () => {
  const held = gate();
  const { model } = rig.script([{ say: 'All is well.', pieces: 3 }, { gate: held }]);
  let frames = 0;
  await untilUnwatched();
  const grown = await growth(async () => {
    const { id } = await rig.start({ input: 'How is it?', model });
    const readers = await Promise.all([rig.read(id), rig.read(id)]);
    await Promise.all(
      readers.map((reader) => reader.untilTrue(() => reader.screen.text(1) === 'All is well.')),
    );
    const amid = await scrape(rig.url);
    expect(amid).toMatchObject({ holdfast_feed_streams: 2, holdfast_feed_hubs: 1 });
    held.open();
    await Promise.all(readers.map(({ ended }) => ended));
    frames = readers.reduce((sum, reader) => sum + reader.frames.length, 0);
    await untilUnwatched();
  });
  expect(grown('holdfast_feed_frames_sent_total')).toBe(frames);
  expect(grown('holdfast_feed_streams')).toBe(0);
  expect(grown('holdfast_relay_deltas_published_total')).toBeGreaterThan(0);
});

const CANCEL_OUTCOMES = ['cancelled', 'cancelling', 'already_terminal'];
const cancelsTold = (outcome: string) => `holdfast_cancel_requests_total{outcome="${outcome}"}`;

it('a cancel is counted by its outcome, with the time until the run has stopped', async () => {
  const { model } = rig.script([{ say: 'All is' }, { stall: true }]);
  const grown = await growth(async () => {
    const { id } = await rig.start({ input: 'How is it?', model });
    const reader = await rig.read(id);
    await reader.untilTrue(() => reader.screen.text(1) === 'All is');
    expect((await rig.cancel(id, { wait_ms: 20_000 })).outcome).toBe('cancelled');
    expect((await rig.cancel(id)).outcome).toBe('already_terminal');
    await reader.ended;
  });
  expect(CANCEL_OUTCOMES.map(cancelsTold).map(grown)).toEqual([1, 0, 1]);
  expect(grown(endedAs('cancelled'))).toBe(1);
  expect(grown('holdfast_cancel_stop_latency_seconds_count')).toBe(1);
  expect(grown('holdfast_cancel_stop_latency_seconds_bucket{le="+Inf"}')).toBe(1);
});

it('a cancel that an agent asks for is counted too', async () => {
  const held = gate();
  const grown = await growth(async () => {
    const { id, key } = await startLead(rig, [[{ gate: held }, call('list_tasks')]]);
    const child = await rig.start({
      input: 'Go on.',
      model: rig.script(halfAnswer()).model,
      parent: { task_id: id },
    });
    rig.model.script(key, [[call('cancel_task', { task: child.id })], [{ say: 'So be it.' }]]);
    held.open();
    expect((await rig.untilEnd(child.id)).failure?.code).toBe('cancelled');
    await rig.untilStatus(id, 'COMPLETED');
  });
  expect(CANCEL_OUTCOMES.map(cancelsTold).map(grown)).toEqual([0, 1, 0]);
});
