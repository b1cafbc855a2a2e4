import { expect, it } from 'vitest';
import type { NumberedTask, TaskGroup } from '../../store/store.ts';
import { accept, begin, completion, newId, rows, type Subject } from './fixtures.ts';

const idsOf = (tasks: readonly NumberedTask[]) => tasks.map(({ task }) => task.id);
const isAscending = (tasks: readonly NumberedTask[]) =>
  tasks.every(({ number }, index) => number > (tasks[index - 1]?.number ?? 0));

export function groupContract(subject: () => Subject): void {
  /** Two tasks of a conversation, one of another and one of none, in the order of their acceptance; and a foreign one. */
  async function openGroups() {
    const { store } = subject();
    const owner = newId('owner');
    const conversationId = newId('conv');
    const first = await begin(store, { owner, conversation_id: conversationId });
    const other = await begin(store, { owner, conversation_id: newId('conv') });
    await store.finishTask(completion(first, 'done'));
    const second = await accept(store, { owner, conversation_id: conversationId });
    const alone = await accept(store, { owner });
    await accept(store);
    const conversation: TaskGroup = { owner, conversationId };
    const all: TaskGroup = { owner, conversationId: null };
    return { store, conversation, all, first, other, second, alone };
  }

  it('gives the tasks of a conversation or of an owner behind a number, in their order', async () => {
    const { store, conversation, all, first, other, second, alone } = await openGroups();
    const ofConversation = await store.groupTasksBehind(conversation, 0, 10);
    expect(idsOf(ofConversation)).toEqual([first.id, second.id]);
    expect(ofConversation[0]?.task.status).toBe('COMPLETED');
    const ofOwner = await store.groupTasksBehind(all, 0, 10);
    expect(idsOf(ofOwner)).toEqual([first.id, other.id, second.id, alone.id]);
    expect(isAscending(ofOwner)).toBe(true);
    const [{ number = 0 } = {}] = ofConversation;
    expect(idsOf(await store.groupTasksBehind(conversation, number, 10))).toEqual([second.id]);
    expect(idsOf(await store.groupTasksBehind(all, number, 2))).toEqual([other.id, second.id]);
    const foreign = { ...conversation, owner: newId('owner') };
    expect(await store.groupTasksBehind(foreign, 0, 10)).toEqual([]);
  });

  it('gives tasks by their numbers, without those of another group and those that were forgotten', async () => {
    const { store, conversation, all, first, other, second } = await openGroups();
    const numbers = (await store.groupTasksBehind(all, 0, 10)).map(({ number }) => number);
    expect(idsOf(await store.groupTasks(conversation, numbers))).toEqual([first.id, second.id]);
    expect(await store.groupTasks(conversation, [])).toEqual([]);
    await store.deleteTask(first.id, conversation.owner);
    expect(idsOf(await store.groupTasks(conversation, numbers))).toEqual([second.id]);
    expect(idsOf(await store.groupTasks(all, numbers.slice(0, 2)))).toEqual([other.id]);
  });

  it('knows the newest number of a group, and which of its tasks have not ended', async () => {
    const { store, conversation, all, other, second, alone } = await openGroups();
    const numbers = (await store.groupTasksBehind(all, 0, 10)).map(({ number }) => number);
    const now = await store.groupNow(all, 10);
    expect([now.newest, idsOf(now.active)]).toEqual([
      numbers.at(-1),
      [other.id, second.id, alone.id],
    ]);
    expect(idsOf((await store.groupNow(all, 2)).active)).toEqual([other.id, second.id]);
    expect((await store.groupNow(conversation, 2)).newest).toBe(numbers[2]);
    const nobody = { owner: newId('owner'), conversationId: null };
    expect(await store.groupNow(nobody, 10)).toEqual({ newest: 0, active: [] });
  });

  it('gives out no number behind the last one', async () => {
    const { store, all } = await openGroups();
    const last = await store.lastNumber();
    expect(last).toBeGreaterThanOrEqual((await store.groupNow(all, 1)).newest);
    const [row] = await rows<{ most: string }>(subject(), 'select max(number) as most from tasks');
    expect(last).toBeGreaterThanOrEqual(Number(row?.most));
  });
}
