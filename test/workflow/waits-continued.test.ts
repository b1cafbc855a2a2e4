import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import { waitForTasks } from '../../agents/tools/wait-for-tasks.ts';
import type { LogEvent } from '../../contract/events.ts';
import type { FeedReader } from '../support/feed-reader.ts';
import { historiesOf } from '../support/histories.ts';
import { gate, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually, within } from '../support/within.ts';
import { approve } from './approve.ts';
import { expectCancelled, newConversation, PATIENT } from './cancelled-run.ts';
import { count } from './counting.ts';
import {
  call,
  childrenOf,
  createCast,
  endsOf,
  entriesOf,
  inBackground,
  promptOf,
  startLead,
} from './family.ts';
import { createHeldFlushes } from './held-flushes.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const ANSWER = 'So be it.';
const ANSWERS: Turn = [{ say: ANSWER }];
const WORD = 'The well is dry.';

/** Tasks whose tool was carried out. */
const launched: string[] = [];
const launch = defineTool({
  name: 'launch',
  description: 'Cannot be undone.',
  parameters: z.object({}),
  needsApproval: true,
  run: (_, { taskId }) => {
    launched.push(taskId);
    return Promise.resolve('launched');
  },
});
const waitIfAllowed = defineTool({ ...waitForTasks, name: 'wait_if_allowed', needsApproval: true });

const cast = createCast(['chief', 'worker', 'other'], [count, launch, waitIfAllowed]);
const flushes = createHeldFlushes();
let rig: Rig;
beforeAll(async () => {
  // Less than a step with a tool has: where a call waits, the run continues as new at once, and again with every few events.
  rig = await openRig({
    agents: cast.agents,
    wrapStore: flushes.wrapStore,
    defaults: { maxHistoryEvents: 8, maxSteps: 30 },
  });
});
afterAll(() => rig[Symbol.asyncDispose]());

const wait = (args: object = {}) => call('wait_for_tasks', args);
const ask = (agent: string) => call('spawn_agent', { agent, input: 'Work.', name: agent }, agent);

/** Steps that tell the numbers from 1 on, two in each. */
const countingTurns = (steps: number): Turn[] =>
  Array.from({ length: steps }, (_, n) => [call('count', { from: 2 * n + 1, to: 2 * n + 2 })]);
const numbers = (steps: number) => Array.from({ length: 2 * steps }, (_, n) => n + 1);

async function chief(...turns: Turn[]) {
  const conversation_id = newConversation();
  const started = await startLead(rig, turns, { agent: 'chief', conversation_id });
  return { ...started, conversation_id, reader: await rig.read(started.id) };
}

/** A child that speaks once its gate is open, and before that tells numbers in so many steps. */
function holds(name: string, steps = 0) {
  const held = gate();
  cast.direct(rig, name, ...countingTurns(steps), [{ gate: held }, { say: WORD }]);
  return held;
}

/** How often a run has continued as new between a call and its result, or up to now. */
function timesWithin(log: readonly LogEvent[], callId: string): number {
  const about = (type: LogEvent['type']) =>
    log.findIndex(
      (event) => event.type === type && 'call_id' in event.data && event.data.call_id === callId,
    );
  const [begin, end] = [about('turn.tool_call'), about('turn.tool_result')];
  if (begin < 0) return 0;
  const within = log.slice(begin, end < 0 ? undefined : end);
  return within.filter(({ type }) => type === 'task.continued').length;
}

const entriesIn = ({ frames }: FeedReader) =>
  frames.map(({ frame }) => frame).filter((frame): frame is LogEvent => 'seq' in frame);

/** Until the run has continued as new so often while the call waits. */
const untilContinued = (reader: FeedReader, callId: string, times = 1) =>
  reader.untilTrue(() => timesWithin(entriesIn(reader), callId) >= times);

async function write(id: string, text: string): Promise<void> {
  expect((await rig.request('POST', `/v1/tasks/${id}/messages`, { text })).status).toBe(202);
}

/** Writes to the run until it has continued as new so often while the call waits. Gives what was written. */
async function writeUntilContinued(
  { id, reader }: { id: string; reader: FeedReader },
  callId: string,
  times: number,
): Promise<string[]> {
  const sent: string[] = [];
  await untilContinued(reader, callId);
  while (timesWithin(entriesIn(reader), callId) < times) {
    const text = `message ${sent.length + 1}`;
    await write(id, text);
    sent.push(text);
  }
  return sent;
}

/** What the run is doing: nothing is known of that for a moment when its log has grown. */
const liveOf = (id: string) => eventually(async () => (await rig.get(id)).live, 'the run to tell');

/** What the log tells of the run's children: numbers that they have emitted, and their ends. */
async function toldOf(id: string): Promise<unknown[]> {
  const news = await entriesOf(rig, id, 'child.custom', 'child.completed');
  return news.map((event) => (event.type === 'child.custom' ? event.data.payload : event.type));
}

describe('a run that continues as new while it waits for tasks', () => {
  it('I1 I2 goes on waiting: nothing of its child is lost or doubled, and no step is added', async () => {
    const held = holds('worker', 12);
    const { id, key, reader } = await chief([inBackground('worker')], [wait()], ANSWERS);
    await untilContinued(reader, 'wait_for_tasks_1', 3);
    expect(await liveOf(id)).toMatchObject({
      ...{ step: 2, attempt: 1, phase: 'tools', tool: 'wait_for_tasks', text: '' },
    });
    held.open();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(await toldOf(id)).toEqual([...numbers(12), 'child.completed']);
    expect(await endsOf(rig, id)).toEqual({ ended: [['worker', 'completed']], running: [] });
    expect(rig.model.calls(key)).toBe(3);
    const log = await archiveOf(rig, id);
    expect(log.filter(({ type }) => type === 'turn.tool_call')).toHaveLength(2);
    expect(log.filter(({ type }) => type === 'task.started')).toHaveLength(1);
  });

  it('is cancelled with its child', async () => {
    holds('worker', 12);
    const { id, key, reader } = await chief([inBackground('worker')], [wait()]);
    await untilContinued(reader, 'wait_for_tasks_1', 2);
    const receipt = await rig.cancel(id, PATIENT);
    expect(receipt).toMatchObject({ outcome: 'cancelled', children: [{ outcome: 'cancelled' }] });
    await expectCancelled(rig, id, { partial: null, reader });
    expect(rig.model.calls(key)).toBe(2);
  });

  it('ends the wait when its time is up', async () => {
    const held = holds('worker');
    const turns: Turn[] = [[inBackground('worker')], [wait({ timeout_seconds: 0.5 })], ANSWERS];
    const { id, key, reader } = await chief(...turns);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(await endsOf(rig, id)).toEqual({ ended: [], running: ['worker'] });
    expect(timesWithin(await archiveOf(rig, id), 'wait_for_tasks_1')).toBeGreaterThan(0);
    expect(rig.model.calls(key)).toBe(3);
    held.open();
  });

  it('counts the time of the wait from its beginning', async () => {
    const held = holds('worker', 12);
    const turns: Turn[] = [[inBackground('worker')], [wait({ timeout_seconds: 3600 })], ANSWERS];
    const { id, reader } = await chief(...turns);
    await untilContinued(reader, 'wait_for_tasks_1', 3);
    held.open();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    const histories = await historiesOf(rig.client, id);
    const timers = histories.flatMap(({ events }) =>
      (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) => {
        const { seconds, nanos } = timer?.startToFireTimeout ?? {};
        return Number(seconds) > 1000 ? [Number(seconds) * 1000 + Number(nanos) / 1e6] : [];
      }),
    );
    expect(timers.length).toBeGreaterThan(3);
    expect(timers[0]).toBe(3_600_000);
    expect(timers).toEqual([...new Set(timers)].toSorted((a, b) => b - a));
  });

  it('ends the wait when somebody writes', async () => {
    const held = holds('worker');
    const { id, key, reader } = await chief([inBackground('worker')], [wait()], ANSWERS);
    await untilContinued(reader, 'wait_for_tasks_1');
    const text = 'Never mind.';
    await write(id, text);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(await endsOf(rig, id)).toEqual({ ended: [], running: ['worker'] });
    expect(promptOf(rig, key, 3).at(-1)).toBe(`user: ${text}`);
    expect(rig.model.calls(key)).toBe(3);
    held.open();
  });

  it('ends the wait at once where somebody has written to a workflow run before', async () => {
    const [held, begin] = [holds('worker'), gate()];
    const waits = [{ gate: begin }, call('wait_if_allowed')];
    const { id, reader } = await chief([inBackground('worker')], waits, ANSWERS);
    await within(begin.reached, () => 'the second step');
    const flush = flushes.hold(id);
    begin.open();
    await within(flush.reached, () => 'the log to be stored');
    await write(id, 'Never mind.');
    await approve(rig, id);
    flush.open();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(await endsOf(rig, id)).toEqual({ ended: [], running: ['worker'] });
    held.open();
  });
});

describe('a run that continues as new while calls of a step wait', () => {
  it('K3 gives each its own result, in call order, also of one that was done before', async () => {
    const [worker, other] = [holds('worker'), holds('other')];
    const sum = call('calculator', { expression: '6 * 7' });
    const { id, key, reader } = await chief([ask('worker'), sum, ask('other')], ANSWERS);
    await untilContinued(reader, 'worker');
    other.open();
    await reader.until(({ frame }) => frame.type === 'child.completed');
    const sent = await writeUntilContinued({ id, reader }, 'worker', 4);
    worker.open();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    const results = await entriesOf(rig, id, 'turn.tool_result');
    expect(results.map(({ data }) => [data.call_id, data.output, data.is_error])).toMatchObject([
      ['worker', { name: 'worker', output: { text: WORD } }, false],
      ['calculator_1', { result: '42' }, false],
      ['other', { name: 'other', output: { text: WORD } }, false],
    ]);
    const prompt = promptOf(rig, key, 2);
    expect(prompt.join('\n').split(WORD)).toHaveLength(3);
    expect(prompt.slice(-sent.length)).toEqual(sent.map((text) => `user: ${text}`));
    expect(rig.model.calls(key)).toBe(2);
  });

  it('I2 gives a call the result that came while the log was stored', async () => {
    const [worker, other, begin] = [holds('worker'), holds('other'), gate()];
    const { id, reader } = await chief([{ gate: begin }, ask('worker'), ask('other')], ANSWERS);
    const flush = flushes.hold(id);
    begin.open();
    await within(flush.reached, () => 'the log to be stored');
    other.open();
    await reader.until(({ frame }) => frame.type === 'child.completed');
    flush.open();
    await writeUntilContinued({ id, reader }, 'worker', 2);
    worker.open();
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    const results = await entriesOf(rig, id, 'turn.tool_result');
    expect(results.map(({ data }) => [data.call_id, data.output])).toMatchObject([
      ['worker', { output: { text: WORD } }],
      ['other', { output: { text: WORD } }],
    ]);
  });

  it('shows the same approval as pending, and carries the tool out once', async () => {
    const { id, key, reader } = await chief([call('launch')], ANSWERS);
    await writeUntilContinued({ id, reader }, 'launch_1', 4);
    const requests = () => entriesIn(reader).filter(({ type }) => type === 'approval.requested');
    expect((await liveOf(id)).pending_approvals).toEqual(
      requests().map(({ data }) => 'approval_id' in data && data.approval_id),
    );
    await approve(rig, id);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(requests()).toHaveLength(1);
    expect(launched.filter((one) => one === id)).toHaveLength(1);
    expect(rig.model.calls(key)).toBe(2);
  });

  it('M3 does so too as a tool_run, whose result is that of its call', async () => {
    const held = holds('worker', 12);
    const order = { tool: 'spawn_agent', arguments: { agent: 'worker', input: 'Work.' } };
    const { id } = await chief([call('run_in_background', order)], [wait()], ANSWERS);
    const run = await eventually(async () => (await childrenOf(rig, id))[0], 'the tool_run');
    const reader = await rig.read(run.id);
    await untilContinued(reader, 'call', 3);
    held.open();
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(await rig.get(run.id)).toMatchObject({ type: 'tool_run', status: 'COMPLETED' });
    expect((await rig.get(run.id)).output).toMatchObject({ value: { output: { text: WORD } } });
    expect(await toldOf(run.id)).toEqual([...numbers(12), 'child.completed']);
    await reader.ended;
  });
});
