import { expect, it } from 'vitest';
import { accept, begin, completion, newId, now, wholeLog, type Subject } from './fixtures.ts';

const CANCEL = { by: 'key_1', reason: 'changed my mind' };

export function cancelContract(subject: () => Subject): void {
  it('ends a PENDING task itself, with a log of its own', async () => {
    const { store } = subject();
    const task = await accept(store, { conversation_id: newId('conv') });
    const request = { at: now(), ...CANCEL };
    const result = await store.requestCancel(task.id, task.owner, request);
    expect(result).toMatchObject({
      kind: 'ended',
      task: { status: 'FAILED', cancel_request: request },
    });
    expect(result?.task.failure).toEqual({
      code: 'cancelled',
      message: 'The task was cancelled: changed my mind',
    });
    const log = await wholeLog(store, task.id);
    expect(log.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'task.accepted'],
      [2, 'task.failed'],
    ]);
    expect(await store.beginTask(task.id, 'run-1')).toBeNull();
  });

  it('turns an answer into the partial of a cancel that was accepted before it', async () => {
    const { store } = subject();
    const task = await begin(store, { conversation_id: newId('conv') });
    const first = { at: now(), ...CANCEL };
    await store.requestCancel(task.id, task.owner, first);
    const second = await store.requestCancel(task.id, task.owner, {
      at: now(),
      by: null,
      reason: 'again',
    });
    expect(second).toMatchObject({
      kind: 'requested',
      task: { status: 'RUNNING', cancel_request: first },
    });
    const { task: ended, event } = await store.finishTask(completion(task, 'the answer'));
    expect(ended).toMatchObject({ status: 'FAILED', output: null, partial_output: 'the answer' });
    expect(ended.failure?.code).toBe('cancelled');
    expect(event.data).toMatchObject({ error: 'The task was cancelled: changed my mind' });
  });

  it('has one winner when a cancel and the end come at once', async () => {
    const { store } = subject();
    for (let round = 0; round < 10; round += 1) {
      const task = await begin(store);
      const [cancel, { task: ended }] = await Promise.all([
        store.requestCancel(task.id, task.owner, { at: now(), ...CANCEL }),
        store.finishTask(completion(task, 'done')),
      ]);
      const expected = cancel?.kind === 'already_terminal' ? 'COMPLETED' : 'FAILED';
      expect(ended.status).toBe(expected);
      expect(await store.getTask(task.id)).toEqual(ended);
    }
  });

  it("gives null for an unknown task's cancel and for a foreign one's", async () => {
    const { store } = subject();
    const task = await begin(store);
    expect(
      await store.requestCancel(newId('task'), task.owner, { at: now(), ...CANCEL }),
    ).toBeNull();
    expect(await store.requestCancel(task.id, 'owner_x', { at: now(), ...CANCEL })).toBeNull();
    expect((await store.getTask(task.id))?.cancel_request).toBeNull();
  });
}
