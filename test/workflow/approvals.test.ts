import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../agents/tool.ts';
import type { EventData, LogEvent } from '../../contract/events.ts';
import type { ErrorBody } from '../../contract/wire.ts';
import type { ReceivedFrame } from '../support/feed-reader.ts';
import type { Turn } from '../support/model-server.ts';
import { openRig, type Answer, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { expectCancelled, newConversation, PATIENT } from './cancelled-run.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const ANSWER = 'So be it.';
const ANSWERS: Turn = [{ say: ANSWER }];

/** Tasks whose tool was carried out. */
const launched: string[] = [];
const launches = (id: string) => launched.filter((one) => one === id).length;

const launch = {
  description: 'Cannot be undone.',
  parameters: z.object({}),
  needsApproval: true,
  run: (_: object, { taskId }: { taskId: string }) => {
    launched.push(taskId);
    return Promise.resolve('launched');
  },
};
const tools = [
  defineTool({ ...launch, name: 'launch' }),
  defineTool({ ...launch, name: 'launch_soon', approvalTimeoutMs: 300 }),
  defineTool({ ...launch, name: 'look', needsApproval: false, run: async () => 'nothing there' }),
];

let rig: Rig;
beforeAll(async () => {
  rig = await openRig({ tools });
});
afterAll(() => rig[Symbol.asyncDispose]());

const call = (name: string, id = 'c1') => ({ call: { id, name, arguments: {} } });

async function run(
  turns: Turn[],
  body: { conversation_id?: string; timeout_seconds?: number } = {},
) {
  const { model, key } = rig.script(...turns);
  const { id } = await rig.start({ input: 'Go.', model, ...body });
  return { id, key, reader: await rig.read(id) };
}

const isRequest = ({ frame }: ReceivedFrame) => frame.type === 'approval.requested';

/** A run that waits for approval in its first step. */
async function waitingRun(turns: Turn[], body = {}) {
  const started = await run(turns, body);
  const { frame } = await started.reader.until(isRequest);
  const { approval_id } = (frame as LogEvent & { type: 'approval.requested' }).data;
  return { ...started, approval: approval_id };
}

function decide(id: string, approval: string, body: object) {
  return rig.request<{ seq: number } & ErrorBody>(
    'POST',
    `/v1/tasks/${id}/approvals/${approval}`,
    body,
  );
}

async function expectRefused(
  answer: Promise<Answer<ErrorBody>>,
  [status, code]: [number, string],
): Promise<ErrorBody['error']> {
  const { status: given, body } = await answer;
  expect([given, body.error.code]).toEqual([status, code]);
  return body.error;
}

async function resultsOf(id: string): Promise<EventData['turn.tool_result'][]> {
  const log = await archiveOf(rig, id);
  return log.flatMap((event) => (event.type === 'turn.tool_result' ? [event.data] : []));
}

async function resolutionsOf(id: string) {
  const log = await archiveOf(rig, id);
  return log.flatMap((event) => (event.type === 'approval.resolved' ? [event.data] : []));
}

const pending = async (id: string) => (await rig.get(id)).live?.pending_approvals;

describe('a tool that needs approval', () => {
  it('waits, shown as pending to whoever looks, and is carried out once it is approved', async () => {
    const { id, reader, approval } = await waitingRun([[call('launch')], ANSWERS]);
    expect(await pending(id)).toEqual([approval]);
    expect(launches(id)).toBe(0);
    const late = await rig.read(id);
    await late.until(isRequest);
    const { status, body } = await decide(id, approval, { approved: true, reason: 'it is time' });
    expect(status).toBe(200);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(launches(id)).toBe(1);
    const log = await archiveOf(rig, id);
    const place = { approval_id: approval, step: 1, call_id: 'c1' };
    expect(log.slice(4, 8)).toMatchObject([
      { type: 'turn.tool_call', data: { name: 'launch' } },
      { type: 'approval.requested', data: { ...place, name: 'launch' } },
      {
        type: 'approval.resolved',
        seq: body.seq,
        data: { ...place, approved: true, reason: 'it is time' },
      },
      { type: 'turn.tool_result', data: { output: 'launched', is_error: false } },
    ]);
    await late.ended;
    expect(late.frames.filter(isRequest)).toHaveLength(1);
  });

  it('is not carried out where it is refused; the model is told why, and the run goes on', async () => {
    const { id, key, approval } = await waitingRun([[call('launch')], ANSWERS]);
    await decide(id, approval, { approved: false, reason: 'not on a Friday' });
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(launches(id)).toBe(0);
    const output = 'The call was not approved: not on a Friday';
    expect(await resultsOf(id)).toMatchObject([{ output, is_error: true }]);
    const told = rig.model.requests(key)[1]?.body.messages.at(-1);
    expect(told).toMatchObject({ role: 'tool', content: output });
  });

  it('waits alone: other calls of the step go on, each approval is decided by itself, results stay in order', async () => {
    const calls = [call('launch', 'a'), call('look', 'b'), call('launch', 'c')];
    const { id, reader } = await run([calls, ANSWERS]);
    const ids = () =>
      reader.frames.flatMap(({ frame }) =>
        frame.type === 'approval.requested' ? [frame.data.approval_id] : [],
      );
    await reader.untilTrue(() => ids().length === 2);
    const [first = '', second = ''] = ids();
    expect(await pending(id)).toEqual([first, second]);
    await decide(id, second, { approved: true });
    await eventually(async () => (await pending(id))?.length === 1, 'one approval to be left');
    expect(await pending(id)).toEqual([first]);
    await decide(id, first, { approved: false });
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect((await resultsOf(id)).map(({ call_id, is_error }) => [call_id, is_error])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
    ]);
    expect(launches(id)).toBe(1);
  });

  it('takes the first decision, also of many at once, and no other', async () => {
    const { id, approval } = await waitingRun([[call('launch')], [call('launch')], ANSWERS]);
    await expectRefused(decide(id, 'appr_x', { approved: true }), [404, 'approval_not_found']);
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, n) => decide(id, approval, { approved: n % 2 === 0 })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409, 409, 409]);
    // The next call of the same tool asks anew.
    const next = await eventually(
      async () => (await pending(id))?.find((one) => one !== approval),
      'the next approval',
    );
    await expectRefused(decide(id, approval, { approved: true }), [409, 'approval_resolved']);
    await decide(id, next, { approved: false });
    await expectLeft(rig, id, { text: ANSWER, code: null });
    expect(await resolutionsOf(id)).toHaveLength(2);
    const ended = await expectRefused(decide(id, next, { approved: true }), [
      409,
      'task_terminated',
    ]);
    expect(ended.details).toEqual({ status: 'COMPLETED' });
  });

  it('is refused when nobody has decided within its time', async () => {
    const { id } = await run([[call('launch_soon')], ANSWERS]);
    await expectLeft(rig, id, { text: ANSWER, code: null });
    const output = 'The call was not approved: nobody has decided within 300 ms';
    expect(await resultsOf(id)).toMatchObject([{ output, is_error: true }]);
    expect(await resolutionsOf(id)).toMatchObject([{ approved: false }]);
    expect(launches(id)).toBe(0);
  });

  it('ends with the time of its task', async () => {
    const { id, reader } = await run([[call('launch')]], { timeout_seconds: 1 });
    await expectLeft(rig, id, { text: null, code: 'timed_out', reader });
    expect(await resolutionsOf(id)).toMatchObject([{ approved: false }]);
    expect(launches(id)).toBe(0);
  });

  it('C6.9 is never carried out when the task is cancelled while approval is awaited', async () => {
    const conversation = newConversation();
    const { id, key, reader, approval } = await waitingRun([[call('launch')]], {
      conversation_id: conversation,
    });
    expect((await rig.cancel(id, PATIENT)).outcome).toBe('cancelled');
    await expectCancelled(rig, id, { partial: null, conversation, reader });
    expect(await resolutionsOf(id)).toMatchObject([{ approval_id: approval, approved: false }]);
    await expectRefused(decide(id, approval, { approved: true }), [409, 'task_terminated']);
    expect([launches(id), rig.model.calls(key)]).toEqual([0, 1]);
  });

  it('keeps waiting while the worker restarts', async () => {
    const { id, reader, approval } = await waitingRun([[call('launch')], ANSWERS]);
    await rig.stopWorkers();
    await rig.startWorker();
    await eventually(async () => (await pending(id))?.includes(approval), 'the same approval');
    expect((await decide(id, approval, { approved: true })).status).toBe(200);
    await expectLeft(rig, id, { text: ANSWER, code: null, reader });
    expect(launches(id)).toBe(1);
  });
});
