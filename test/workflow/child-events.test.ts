import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventData } from '../../contract/events.ts';
import type { Task } from '../../contract/wire.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { count } from './counting.ts';
import {
  call,
  childrenOf,
  createCast,
  entriesOf,
  inBackground,
  promptOf,
  startLead,
} from './family.ts';
import { archiveOf } from './left-behind.ts';

const ANSWERS: Turn = [{ say: 'Counted.' }];

const cast = createCast(['chief', 'worker', 'other'], [count]);
let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ agents: cast.agents });
});
afterAll(() => rig[Symbol.asyncDispose]());

const upTo = (end: number) => Array.from({ length: end }, (_, index) => index + 1);
const counting = (to: number): Turn => [call('count', { to })];

/** A run of `chief`, which has the tool itself, once it has ended. */
async function chief(...turns: Turn[]) {
  const { id, key } = await startLead(rig, turns, { agent: 'chief' });
  await rig.untilStatus(id, 'COMPLETED');
  return { id, key, told: await entriesOf(rig, id, 'child.custom') };
}

const ticksOf = (told: { data: EventData['child.custom'] }[], id: string | undefined) =>
  told.filter(({ data }) => data.task_id === id).map(({ data }) => data.payload);

/** As a step of the parent reads it. */
const tickNews = (child: Task | undefined, ...numbers: number[]) =>
  numbers.map((n) => `user: Event "tick" of task ${child?.id} ("${child?.name}"):\n${n}`);
const endNews = (child: Task | undefined) =>
  `user: The task ${child?.id} ("${child?.name}") has completed. Its result:\nCounted.`;

describe('what a child emits', () => {
  it('I1 I2 is in its own log, and under its task_id in that of its parent, ahead of its end', async () => {
    cast.direct(rig, 'worker', counting(3), ANSWERS);
    const { id, key } = await chief([inBackground('worker')], [call('wait_for_tasks')], ANSWERS);
    const [child] = await childrenOf(rig, id);
    const { task_id = '', name } = { task_id: child?.id, name: 'worker' };
    expect((await entriesOf(rig, task_id, 'task.custom')).map(({ data }) => data)).toEqual(
      upTo(3).map((payload) => ({
        event_type: 'tick',
        payload,
        publisher: `${task_id}:1:count_1`,
      })),
    );
    const ticks = upTo(3).map((payload) => ({ task_id, name, event_type: 'tick', payload }));
    const log = await archiveOf(rig, id);
    const told = log.filter(({ type }) => type.startsWith('child.') || type === 'task.custom');
    expect(told.map(({ type }) => type)).toEqual([
      'child.started',
      ...ticks.map(() => 'child.custom'),
      'child.completed',
    ]);
    expect(told.slice(1, -1).map(({ data }) => data)).toEqual(ticks);
    const news = [...tickNews(child, ...upTo(3)), endNews(child)];
    expect(promptOf(rig, key, 3).filter((text) => news.includes(text))).toEqual(news);
  });

  it('I1 is told by a tool in the background as by an agent', async () => {
    const { id, told } = await chief(
      [call('run_in_background', { tool: 'count', arguments: { to: 3 } })],
      [call('wait_for_tasks')],
      ANSWERS,
    );
    const [child] = await childrenOf(rig, id);
    expect(child).toMatchObject({ type: 'tool_run', output: { value: 3 } });
    const own = await entriesOf(rig, child?.id ?? '', 'task.custom');
    expect(own.map(({ data }) => [data.payload, data.publisher])).toEqual(
      upTo(3).map((n) => [n, `${child?.id}:1:call`]),
    );
    expect(ticksOf(told, child?.id)).toEqual(upTo(3));
  });

  it('I7 shares its parent with what others emit, and says whose it is', async () => {
    cast.direct(rig, 'worker', counting(40), ANSWERS);
    cast.direct(rig, 'other', counting(30), ANSWERS);
    const { id, told } = await chief(
      [inBackground('worker'), inBackground('other'), call('count', { to: 2 })],
      [call('wait_for_tasks')],
      ANSWERS,
    );
    const children = await childrenOf(rig, id);
    const [worker, other] = ['worker', 'other'].map((name) =>
      children.find((task) => task.name === name),
    );
    expect(ticksOf(told, worker?.id)).toEqual(upTo(40));
    expect(ticksOf(told, other?.id)).toEqual(upTo(30));
    expect(told).toHaveLength(70);
    expect(await entriesOf(rig, id, 'task.custom')).toHaveLength(2);
  });

  it('I8 piles up until a step of the parent reads it; where nothing is left, a wait gives nothing', async () => {
    const [held, begins] = [gate(), gate()];
    cast.direct(rig, 'worker', [{ gate: begins }, ...counting(5)], counting(2), ANSWERS);
    const { id, key } = await startLead(rig, [
      [inBackground('worker')],
      [{ gate: held }, call('list_tasks')],
      [call('wait_for_tasks')],
      ANSWERS,
    ]);
    const reader = await rig.read(id);
    await held.reached;
    begins.open();
    await reader.until(({ frame }) => frame.type === 'child.completed');
    held.open();
    await rig.untilStatus(id, 'COMPLETED');
    const [child] = await childrenOf(rig, id);
    const all = [...tickNews(child, ...upTo(5), 1, 2), endNews(child)];
    const news = (n: number) => promptOf(rig, key, n).filter((text) => all.includes(text));
    expect([news(2), news(3), news(4)]).toEqual([[], all, all]);
    const results = await entriesOf(rig, id, 'turn.tool_result');
    expect(results.at(-1)?.data).toMatchObject({
      output: { ended: [], running: [] },
      is_error: false,
    });
  });

  it('I10 reaches the own parent and nobody above it, who sees the end of its own child', async () => {
    cast.direct(rig, 'other', counting(3), ANSWERS);
    cast.direct(rig, 'worker', [inBackground('other')], [call('wait_for_tasks')], ANSWERS);
    const { id } = await chief([inBackground('worker')], [call('wait_for_tasks')], ANSWERS);
    const [child] = await childrenOf(rig, id);
    const [grandchild] = await childrenOf(rig, child?.id ?? '');
    const log = await archiveOf(rig, id);
    expect(
      log.filter(({ type }) => type.startsWith('child.')).map(({ type, data }) => [type, data]),
    ).toMatchObject([
      ['child.started', { task_id: child?.id }],
      ['child.completed', { task_id: child?.id }],
    ]);
    const told = await entriesOf(rig, child?.id ?? '', 'child.custom');
    expect(ticksOf(told, grandchild?.id)).toEqual(upTo(3));
  });
});

describe('a hundred events of a child', () => {
  it('reach its parent in order, and cost the history of that one a few events', async () => {
    const told = async (...turns: Turn[]) => {
      cast.direct(rig, 'worker', ...turns);
      const run = await chief([inBackground('worker')], [call('wait_for_tasks')], ANSWERS);
      await eventually(async () => (await rig.workflowStatus(run.id)) === 'COMPLETED', 'its close');
      const { historyLength } = await rig.client.workflow.getHandle(run.id).describe();
      return { ...run, historyLength };
    };
    const loud = await told(counting(100), ANSWERS);
    expect(loud.told.map(({ data }) => data.payload)).toEqual(upTo(100));
    const quiet = await told(counting(0), ANSWERS);
    expect(quiet.told).toEqual([]);
    expect(loud.historyLength - quiet.historyLength).toBeLessThanOrEqual(12);
  });
});
