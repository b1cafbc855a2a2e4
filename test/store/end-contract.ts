import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { TaskAbsent } from '../../store/errors.ts';
import {
  answered,
  begin,
  completion,
  entry,
  failure,
  messagesOf,
  newId,
  now,
  rows,
  wholeLog,
  type Subject,
} from './fixtures.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

export function endContract(subject: () => Subject): void {
  it('completes a task: record, log and one message say the same', async () => {
    const { store } = subject();
    const task = await begin(store, { conversation_id: newId('conv') });
    const text = 'Löwe 🦁';
    const request = completion(task, text);
    const { won, event, task: ended } = await store.finishTask(request);
    expect(won).toBe(true);
    expect(ended).toMatchObject({
      status: 'COMPLETED',
      output: { text },
      progress: 1,
      last_seq: 5,
    });
    expect(ended).toMatchObject({
      finished_at: request.at,
      usage: { input_tokens: 3, output_tokens: 5 },
    });
    expect(event.data).toMatchObject({ text_length: text.length, text_sha256: sha256(text) });
    expect(await wholeLog(store, task.id)).toEqual([...request.log, event]);
    const said = (await messagesOf(store, String(task.conversation_id))).slice(1);
    expect(said).toMatchObject([{ role: 'assistant', content: text, partial: false }]);
  });

  it('keeps the text of a run that failed as partial output and as a partial message', async () => {
    const { store } = subject();
    const task = await begin(store, { conversation_id: newId('conv') });
    const { task: ended } = await store.finishTask(failure(task, answered(task, 'half an ans')));
    expect(ended).toMatchObject({ status: 'FAILED', partial_output: 'half an ans', output: null });
    expect(ended.failure).toEqual({ code: 'model_error', message: 'the model is gone' });
    expect(await messagesOf(store, String(task.conversation_id))).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: 'half an ans', partial: true },
    ]);
  });

  it('keeps how far a run was that failed, as its log has told it', async () => {
    const { store } = subject();
    const task = await begin(store);
    const told = [{ done: 1, total: 4 }, { done: 3, total: 4 }, { note: 'half of it' }];
    const log = told.map((payload, index) => {
      const data = { event_type: 'progress', payload, publisher: 'a call' };
      return entry(task, index + 3, { type: 'task.custom', data });
    });
    const request = failure(task, [...answered(task, '').slice(0, 2), ...log]);
    expect(await store.finishTask(request)).toMatchObject({ task: { progress: 0.75 } });
  });

  it('stores no message where nothing was said', async () => {
    const { store } = subject();
    const task = await begin(store, { conversation_id: newId('conv') });
    const { event } = await store.finishTask(failure(task, answered(task, 'x').slice(0, 3)));
    expect(event.data).toMatchObject({
      partial_output: null,
      text_length: 0,
      text_sha256: sha256(''),
    });
    expect(await messagesOf(store, String(task.conversation_id))).toHaveLength(1);
  });

  it('T7 lets the first of many writers win; the others read its event', async () => {
    const { store } = subject();
    const task = await begin(store, { conversation_id: newId('conv') });
    const ends = Array.from({ length: 10 }, (_, index) =>
      store.finishTask(index % 2 ? completion(task, `answer ${index}`) : failure(task, [])),
    );
    const results = await Promise.all(ends);
    expect(results.filter(({ won }) => won)).toHaveLength(1);
    expect(new Set(results.map(({ event }) => JSON.stringify(event))).size).toBe(1);
    expect((await wholeLog(store, task.id)).at(-1)).toEqual(results[0]?.event);
    const before = await store.getTask(task.id);
    expect(await store.beginTask(task.id, 'run-2')).toBeNull();
    expect(
      await store.requestCancel(task.id, task.owner, { at: now(), by: null, reason: null }),
    ).toEqual({
      kind: 'already_terminal',
      task: before,
    });
    expect(await store.getTask(task.id)).toEqual(before);
  });

  it('R4 stores message, status and log together or not at all', async () => {
    const { store } = subject();
    const task = await begin(store, { conversation_id: newId('conv') });
    await rows(
      subject(),
      `insert into messages values ('${task.conversation_id}', 3, '${newId('msg')}',
      'task_x', 'assistant', 1, '"in the way"', false, now())`,
    );
    await expect(store.finishTask(completion(task, 'done'))).rejects.toMatchObject({
      code: '23505',
    });
    expect(await store.getTask(task.id)).toMatchObject({
      status: 'RUNNING',
      output: null,
      last_seq: 0,
    });
    expect(await wholeLog(store, task.id)).toEqual([]);
    await rows(
      subject(),
      `delete from messages where task_id = 'task_x'
      and conversation_id = '${task.conversation_id}'`,
    );
    expect(await store.finishTask(completion(task, 'done'))).toMatchObject({ won: true });
  });

  it('stores an error text of any shape, cut to its limit', async () => {
    const { store } = subject();
    const task = await begin(store);
    const { task: ended } = await store.finishTask(
      failure(task, [], 'a\u0000\ud800'.padEnd(9000, 'ö')),
    );
    expect(ended.failure?.message.startsWith('a\uFFFD\uFFFDö')).toBe(true);
    expect(Buffer.byteLength(String(ended.failure?.message))).toBeLessThanOrEqual(2048);
  });

  it('throws TaskAbsent for the end of a task that was forgotten, which it does not bring back', async () => {
    const { store } = subject();
    const task = await begin(store);
    await expect(store.deleteTask(task.id, task.owner)).rejects.toMatchObject({
      code: 'task_not_terminal',
    });
    await store.finishTask(completion(task, 'done'));
    expect(await store.deleteTask(task.id, 'owner_x')).toBe(false);
    expect(await store.deleteTask(task.id, task.owner)).toBe(true);
    expect(await store.deleteTask(task.id, task.owner)).toBe(false);
    await expect(store.finishTask(completion(task, 'done'))).rejects.toBeInstanceOf(TaskAbsent);
    expect(await store.getTask(task.id)).toBeNull();
    expect(await wholeLog(store, task.id)).toEqual([]);
  });
}
