import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool, type ToolContext } from '../../agents/tool.ts';
import type { EventData, LogEvent } from '../../contract/events.ts';
import { gate, type Gate, type ScriptStep, type Turn } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const ANSWER = 'That is all I found.';
const ANSWERS: Turn = [{ say: ANSWER }];

const nothing = z.object({});
const named = z.object({ name: z.string() });

/** What the tools of this file share with their tests, by the name that the model gives. */
interface Visit extends ToolContext {
  /** Opened by the test: the tool returns its name. */
  held: Gate;
}
const visits = new Map<string, Visit[]>();
const visitsOf = (name: string) => visits.get(name) ?? [];

/** Waits for its test, or for its signal. */
async function waitForTest({ name }: { name: string }, context: ToolContext): Promise<string> {
  const visit = { ...context, held: gate() };
  visits.set(name, [...visitsOf(name), visit]);
  const aborted = new Promise<never>((_, reject) => {
    context.signal.addEventListener('abort', () => reject(new Error('the tool was stopped')));
  });
  await Promise.race([visit.held.pass(), aborted]);
  return name;
}

const tools = [
  defineTool({
    ...{ name: 'throws', description: 'Fails.', parameters: nothing },
    run: () => Promise.reject(new Error('the drawer is stuck')),
  }),
  defineTool({
    ...{ name: 'panics', description: 'Fails at once.', parameters: nothing },
    run: () => {
      throw 'no error at all';
    },
  }),
  defineTool({
    ...{ name: 'baffles', description: 'Returns no JSON.', parameters: nothing },
    run: () => Promise.resolve(1n),
  }),
  defineTool({
    ...{ name: 'hangs', description: 'Never ends.', parameters: nothing, timeoutMs: 100 },
    run: () => new Promise(() => undefined),
  }),
  defineTool({
    ...{ name: 'babbles', description: 'Says too much.', parameters: nothing },
    run: () => Promise.resolve('🦁'.repeat(100_000)),
  }),
  defineTool({
    ...{ name: 'wait', description: 'Waits.', parameters: named },
    run: waitForTest,
  }),
  defineTool({
    ...{ name: 'wait_again', description: 'Waits.', parameters: named, idempotent: true },
    run: waitForTest,
  }),
];

let calls = 0;
function call(name: string, args: unknown = {}): ScriptStep {
  calls += 1;
  return { call: { id: `call-${calls}`, name, arguments: args } };
}

let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ tools });
});
afterAll(() => rig[Symbol.asyncDispose]());

async function run(...turns: Turn[]): Promise<{ id: string; key: string }> {
  const { model, key } = rig.script(...turns);
  const { id } = await rig.start({ input: 'Find out.', model });
  return { id, key };
}

/** What the tools of a run returned, in the log's order. */
async function resultsOf(id: string): Promise<EventData['turn.tool_result'][]> {
  const log = await archiveOf(rig, id);
  return log.flatMap((event) => (event.type === 'turn.tool_result' ? [event.data] : []));
}

/** The messages of the nth prompt behind the user's. */
function toldIn(key: string, n: number): { role: string; content: unknown }[] {
  return rig.model.requests(key)[n - 1]?.body.messages.slice(2) ?? [];
}

async function untilVisited(name: string, times = 1): Promise<Visit> {
  await eventually(() => visitsOf(name).length >= times, `visit ${times} of ${name}`);
  return visitsOf(name)[times - 1] as Visit;
}

describe('what a tool does', () => {
  it('K1 becomes an error result where it throws, panics or hangs, and the run goes on', async () => {
    const broken = ['throws', 'panics', 'baffles', 'hangs'];
    const { id, key } = await run(
      broken.map((name) => call(name)),
      ANSWERS,
    );
    await expectLeft(rig, id, { text: ANSWER, code: null });
    const results = await resultsOf(id);
    expect(results.map(({ is_error }) => is_error)).toEqual([true, true, true, true]);
    const texts = ['the drawer is stuck', 'no error at all', 'BigInt', 'did not end within 100 ms'];
    expect(results.map(({ output }) => output)).toEqual(
      texts.map((text) => expect.stringContaining(text)),
    );
    expect(toldIn(key, 2).slice(1)).toEqual(
      texts.map((text) => expect.objectContaining({ content: expect.stringContaining(text) })),
    );
  });

  it('is cut at a limit, between two characters, and marked as truncated', async () => {
    const { id } = await run([call('babbles')], ANSWERS);
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(await resultsOf(id)).toMatchObject([
      { output: '🦁'.repeat((64 * 1024) / 4), is_error: false, truncated: true },
    ]);
  });

  it('K3 runs the calls of a step at once, and logs their results in call order', async () => {
    const names = ['k3-a', 'k3-b', 'k3-c'];
    const { id } = await run(
      names.map((name) => call('wait', { name })),
      ANSWERS,
    );
    // All of them wait at the same time; then the first one ends last.
    const [first, ...others] = await Promise.all(names.map((name) => untilVisited(name)));
    for (const { held } of others) held.open();
    await untilCompleted(id, 'runTool', 2);
    expect(resultTypes(await liveLog(id))).toEqual([]);
    first?.held.open();
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect((await resultsOf(id)).map(({ output }) => output)).toEqual(names);
  });

  it('K4 heartbeats while it is long, and is stopped by a cancel', async () => {
    const { id, key } = await run([call('wait', { name: 'k4' })]);
    const { signal } = await untilVisited('k4');
    const beats = new Set<string>();
    await eventually(async () => {
      const { raw } = await rig.client.workflow.getHandle(id).describe();
      const beat = raw.pendingActivities?.[0]?.lastHeartbeatTime;
      if (beat) beats.add(`${beat.seconds}.${beat.nanos}`);
      return beats.size >= 3;
    }, 'three heartbeats of the tool');
    expect(signal.aborted).toBe(false);
    expect((await rig.cancel(id)).outcome).toBe('cancelled');
    await expectLeft(rig, id, { text: null, code: 'cancelled' });
    expect(signal.aborted).toBe(true);
    expect(rig.model.calls(key)).toBe(1);
  });

  /** The log as a running task shows it. */
  async function liveLog(id: string): Promise<LogEvent[]> {
    const accept = { Accept: 'application/json' };
    const path = `/v1/tasks/${id}/events`;
    return (await rig.request<{ data: LogEvent[] }>('GET', path, undefined, accept)).body.data;
  }

  const resultTypes = (log: LogEvent[]) => log.filter(({ type }) => type === 'turn.tool_result');

  /** Waits until Temporal has recorded the end of so many activities of a kind. */
  async function untilCompleted(id: string, type: string, count: number): Promise<void> {
    await eventually(async () => {
      const { events } = await rig.client.workflow.getHandle(id).fetchHistory();
      const scheduled = new Set(
        events
          ?.filter((e) => e.activityTaskScheduledEventAttributes?.activityType?.name === type)
          .map(({ eventId }) => String(eventId)),
      );
      const done = events?.filter((e) =>
        scheduled.has(String(e.activityTaskCompletedEventAttributes?.scheduledEventId)),
      );
      return done?.length === count;
    }, `${count} ends of ${type}`);
  }
});

describe('a tool whose worker goes away', () => {
  it('K5 is not called again unless it is idempotent, and the model is told that nothing is known', async () => {
    const { id, key } = await run([call('wait', { name: 'k5' })], ANSWERS);
    await untilVisited('k5');
    await rig.stopWorkers();
    await rig.startWorker();
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(visitsOf('k5')).toHaveLength(1);
    expect(await resultsOf(id)).toMatchObject([
      { output: expect.stringContaining('not known'), is_error: true },
    ]);
    expect(toldIn(key, 2).at(-1)).toMatchObject({
      role: 'tool',
      content: expect.stringContaining('not known'),
    });
  });

  it('K5 C18 is not called again though an operator had paused it', async () => {
    const { id } = await run([call('wait', { name: 'paused' })], ANSWERS);
    await untilVisited('paused');
    const execution = { namespace: 'default', execution: { workflowId: id }, type: 'runTool' };
    await rig.client.workflowService.pauseActivity(execution);
    await rig.stopWorkers();
    await rig.startWorker();
    await rig.client.workflowService.unpauseActivity(execution).catch(() => undefined);
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(visitsOf('paused')).toHaveLength(1);
    expect(await resultsOf(id)).toMatchObject([
      { output: expect.stringContaining('not known'), is_error: true },
    ]);
  });

  it('K2 K5 is called again where it is idempotent, under the same key', async () => {
    const step = call('wait_again', { name: 'k2' });
    const { id } = await run([step], ANSWERS);
    await untilVisited('k2');
    await rig.stopWorkers();
    await rig.startWorker();
    (await untilVisited('k2', 2)).held.open();
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(await resultsOf(id)).toMatchObject([{ output: 'k2', is_error: false }]);
    const key = `${id}:1:call-${calls}`;
    expect(visitsOf('k2').map((visit) => visit.key)).toEqual([key, key]);
  });
});

describe('a turn that makes no sense', () => {
  const unknown = () => call('fly', { to: 'the moon' });

  it('is told to the model: a tool that does not exist, arguments that do not fit or do not parse', async () => {
    const { id, key } = await run(
      [unknown(), call('wait', { name: 17 }), call('wait', '{"name": "ha')],
      ANSWERS,
    );
    await expectLeft(rig, id, { text: ANSWER, code: null });
    const told = ['There is no tool named fly', 'do not fit', 'do not fit'];
    expect(await resultsOf(id)).toMatchObject(
      told.map((text) => ({ output: expect.stringContaining(text), is_error: true })),
    );
    expect(toldIn(key, 2)).toMatchObject([
      { role: 'assistant' },
      ...told.map((text) => ({ role: 'tool', content: expect.stringContaining(text) })),
    ]);
  });

  it('is told to the model where it was empty', async () => {
    const { id, key } = await run([], [{ reason: 'Hm.' }], ANSWERS);
    await expectLeft(rig, id, { text: ANSWER, code: null });
    const note = { role: 'user', content: expect.stringContaining('empty') };
    expect(toldIn(key, 2)).toMatchObject([note]);
    expect(toldIn(key, 3)).toMatchObject([note, note]);
  });

  it('ends the run with model_error when it is the third in a row', async () => {
    const { id, key } = await run([unknown()], [], [call('wait', { name: 17 })]);
    const { failure } = await expectLeft(rig, id, { text: null, code: 'model_error' });
    expect(failure?.message).toContain('no sense');
    expect(rig.model.calls(key)).toBe(3);
  });

  it('is forgiven when a turn with sense follows', async () => {
    const sense = [call('throws')];
    const { id } = await run([unknown()], [unknown()], sense, [unknown()], [], ANSWERS);
    await expectLeft(rig, id, { text: ANSWER, code: null });
  });
});
