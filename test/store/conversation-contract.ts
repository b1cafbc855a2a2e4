import { expect, it } from 'vitest';
import {
  accept,
  begin,
  completion,
  failure,
  messagesOf,
  newId,
  newTask,
  type Subject,
} from './fixtures.ts';

export function conversationContract(subject: () => Subject): void {
  it('gives a run what was said before it, in order', async () => {
    const { store } = subject();
    const shared = { owner: newId('owner'), conversation_id: newId('conv') };
    for (const input of ['one', 'two', 'three']) {
      const task = await begin(store, { ...shared, input });
      await store.finishTask(completion(task, `answer to ${input}`));
    }
    const read = async (from: number, before: number) => {
      const said = await store.readConversation(shared.conversation_id, { from, before });
      return said.map(({ turn, role, content }) => [turn, role, content]);
    };
    expect(await read(0, 2)).toEqual([
      [1, 'user', 'one'],
      [1, 'assistant', 'answer to one'],
    ]);
    expect(await read(2, 3)).toEqual([
      [2, 'user', 'two'],
      [2, 'assistant', 'answer to two'],
    ]);
    expect(await messagesOf(store, shared.conversation_id)).toHaveLength(6);
  });

  it('pages through messages, oldest first', async () => {
    const { store } = subject();
    const task = await begin(store, { conversation_id: newId('conv') });
    await store.finishTask(completion(task, 'done'));
    const id = String(task.conversation_id);
    const first = await store.listMessages(id, { limit: 1, order: 'asc' });
    expect(first.data).toMatchObject([{ role: 'user', task_id: task.id, ordinal: 1 }]);
    const cursor = String(first.next_cursor);
    const second = await store.listMessages(id, { limit: 1, order: 'asc', cursor });
    expect(second).toMatchObject({ data: [{ role: 'assistant' }], next_cursor: null });
  });

  it('makes, gets and lists conversations, for their owner only', async () => {
    const { store } = subject();
    const owner = newId('owner');
    const asked = { id: newId('conv'), owner, title: 'A title', metadata: { a: 'b' } };
    const made = await store.createConversation(asked);
    expect(made).toMatchObject(asked);
    const { conversation_id } = await accept(store, { owner, conversation_id: newId('conv') });
    expect(await store.getConversation(asked.id, owner)).toEqual(made);
    expect(await store.getConversation(asked.id, 'owner_x')).toBeNull();
    const first = await store.listConversations(owner, { limit: 1, order: 'asc' });
    expect(first.data).toEqual([made]);
    const cursor = String(first.next_cursor);
    const second = await store.listConversations(owner, { limit: 1, order: 'asc', cursor });
    expect(second).toMatchObject({ data: [{ id: conversation_id }], next_cursor: null });
  });

  it('forgets a conversation with its messages, tasks, logs and keys, once its tasks have ended', async () => {
    const { store } = subject();
    const asked = newTask({ conversation_id: newId('conv') });
    const id = String(asked.conversation_id);
    const key = { key: 'k', requestHash: 'h' };
    const accepted = await store.acceptTask(asked, key);
    const refused = store.deleteConversation(id, asked.owner);
    await expect(refused).rejects.toMatchObject({ code: 'task_not_terminal' });
    await store.finishTask(failure(accepted!.task, []));
    expect(await store.deleteConversation(id, 'owner_x')).toBeNull();
    expect(await store.deleteConversation(id, asked.owner)).toEqual([asked.id]);
    expect(await store.deleteConversation(id, asked.owner)).toBeNull();
    expect(await messagesOf(store, id)).toEqual([]);
    expect(await store.getTask(asked.id)).toBeNull();
    expect(await store.readLog(asked.id, 0, 1)).toEqual({ events: [], end: true });
    expect(await store.acceptTask(asked, key)).toMatchObject({
      created: true,
      task: { ordinal: 1 },
    });
  });

  it('keeps the messages of a task that is forgotten, and frees its key', async () => {
    const { store } = subject();
    const asked = newTask({ conversation_id: newId('conv') });
    const key = { key: 'k', requestHash: 'h' };
    const accepted = await store.acceptTask(asked, key);
    await store.finishTask(completion(accepted!.task, 'done'));
    await store.deleteTask(asked.id, asked.owner);
    const said = await messagesOf(store, String(asked.conversation_id));
    expect(said.map(({ content }) => content)).toEqual(['a question', 'done']);
    const again = await store.acceptTask({ ...asked, id: newId('task') }, key);
    expect(again).toMatchObject({ created: true, task: { ordinal: 2 } });
  });
}
