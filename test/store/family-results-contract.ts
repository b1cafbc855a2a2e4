import { describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../contract/task.ts';
import {
  answer,
  childrenOf,
  continued,
  endOf,
  logWith,
  newFamily,
  resultOf,
  startOf,
  step,
} from './families.ts';
import { begin, completion, failure, newId, now, rows, type Subject } from './fixtures.ts';

type Entries = Parameters<typeof logWith>[1];

/** Where the end of a child goes: to its parent, or to the results of their conversation. */
export function familyResultsContract(subject: () => Subject): void {
  const { below } = childrenOf(subject);
  const end = (task: TaskRecord) => subject().store.finishTask(completion(task, 'done'));
  const endWith = (task: TaskRecord, entries: Entries) =>
    subject().store.finishTask({ ...completion(task, ''), log: logWith(task, entries) });
  const claim = async ({ conversation_id, owner }: TaskRecord) => {
    const ask = { claimId: newId('claim'), limit: 100 };
    const results = await subject().store.claimResults(String(conversation_id), owner, ask);
    return results?.map(({ id }) => id);
  };
  /** A parent at work, and children of it that have ended. */
  async function family(count: number, type: TaskRecord['type'] = 'agent_run') {
    const { store } = subject();
    const parent = await begin(store, { ...newFamily(), type });
    const children: TaskRecord[] = [];
    for (let n = 0; n < count; n += 1) children.push(await begin(store, below(parent)));
    for (const child of children) await end(child);
    return { parent, children: children as [TaskRecord, TaskRecord, TaskRecord] };
  }

  describe('an end', () => {
    it('B6 is no result while the parent may read it, and one where the parent has ended without', async () => {
      const { parent, children } = await family(2);
      expect(await claim(parent)).toEqual([]);
      const [read, unread] = children;
      await endWith(parent, [step(1), endOf(read), step(2), endOf(unread), answer]);
      expect(await claim(parent)).toEqual([unread.id]);
      expect(await claim(parent)).toEqual([]);
    });

    it('B6 is read by the step behind it, also where the log was stored in parts', async () => {
      const { store } = subject();
      const { parent, children } = await family(3);
      const [one, two, three] = children;
      const entries = [step(1), endOf(one), step(2), endOf(two), continued, step(3), endOf(three)];
      const log = logWith(parent, [...entries, answer]);
      await store.appendLog(parent.id, log.slice(0, 7));
      expect(await claim(parent)).toEqual([]);
      await store.finishTask({ ...completion(parent, ''), log: log.slice(7) });
      expect(await claim(parent)).toEqual([three.id]);
    });

    it('B6 is read by what stands in the store where the rest of the log is lost', async () => {
      const { store } = subject();
      const { parent, children } = await family(2);
      const [read, unknown] = children;
      const log = logWith(parent, [step(1), endOf(read), step(2), endOf(unknown), continued]);
      await store.appendLog(parent.id, log);
      await store.finishTask({ ...failure(parent, []), logIncomplete: true });
      expect(await claim(parent)).toEqual([unknown.id]);
    });

    it('B6 is read by a run that another writer has ended, who could not read its log', async () => {
      const { store } = subject();
      const { parent, children } = await family(2);
      const [read, unread] = children;
      await store.finishTask({ ...failure(parent, []), logIncomplete: true });
      const late = await endWith(parent, [step(1), endOf(read), step(2), endOf(unread), answer]);
      expect(late).toMatchObject({ won: false, event: { type: 'task.failed' } });
      expect(await claim(parent)).toEqual([unread.id]);
    });

    it('B6 that comes after the end of its parent, or after that was forgotten, is a result', async () => {
      const { store } = subject();
      const parent = await begin(store, newFamily());
      const [late, later] = [await begin(store, below(parent)), await begin(store, below(parent))];
      await end(parent);
      await end(late);
      expect(await claim(parent)).toEqual([late.id]);
      expect(await store.deleteTask(parent.id, parent.owner)).toBe(true);
      await end(later);
      expect(await claim(parent)).toEqual([later.id]);
    });

    it('B6 of a child in another conversation waits for the parent all the same', async () => {
      const { store } = subject();
      const parent = await begin(store, { owner: newId('owner') });
      const elsewhere = { ...below(parent), conversation_id: newId('conv'), detached: true };
      const child = await begin(store, elsewhere);
      await end(child);
      expect(await claim(child)).toEqual([]);
      await endWith(parent, [step(1), answer, endOf(child)]);
      expect(await claim(child)).toEqual([child.id]);
    });

    it("B6 that the call of a tool_run has waited for is that one's own result", async () => {
      const awaited = ([one, two]: TaskRecord[]) =>
        [startOf(one!, false), startOf(two!), endOf(two!), endOf(one!), resultOf(one!)] as const;
      const completed = await family(2, 'tool_run');
      await endWith(completed.parent, awaited(completed.children));
      expect(await claim(completed.parent)).toEqual([completed.children[1].id]);

      const { parent, children } = await family(2, 'tool_run');
      const request = { at: now(), by: null, reason: null };
      await subject().store.requestCancel(parent.id, parent.owner, request);
      await endWith(parent, awaited(children));
      expect(await claim(parent)).toEqual(children.map(({ id }) => id));
    });

    it('B6 goes to one of a claim and a parent that ends at the same time', async () => {
      for (let round = 0; round < 10; round += 1) {
        const { parent, children } = await family(2);
        const [read, unread] = children;
        const ending = endWith(parent, [step(1), endOf(read), step(2), answer]);
        const claims = await Promise.all([claim(parent), claim(parent), ending, claim(parent)]);
        await ending;
        const claimed = [...claims, await claim(parent)].flatMap((ids) =>
          Array.isArray(ids) ? ids : [],
        );
        expect(claimed).toEqual([unread.id]);
      }
    });
  });

  describe('forgetting', () => {
    const undone = { code: 'task_not_terminal' };
    const forgetEnded = ({ conversation_id, owner }: TaskRecord) =>
      subject().store.forgetEndedTasks(String(conversation_id), owner);

    it('M5 takes ends that a parent has read, and keeps those that nobody has', async () => {
      const { store } = subject();
      const { parent, children } = await family(2);
      const [read, unread] = children;
      for (const { id } of children) await store.markParentTold(id);
      expect(await forgetEnded(parent)).toEqual([]);
      await endWith(parent, [step(1), endOf(read), step(2), endOf(unread), answer]);
      expect((await forgetEnded(parent))?.sort()).toEqual([parent.id, read.id].sort());
      expect(await claim(parent)).toEqual([unread.id]);
      expect(await forgetEnded(parent)).toEqual([unread.id]);
    });

    it('keeps a child whose parent goes on and was not told of its end', async () => {
      const { store } = subject();
      const parent = await begin(store, newFamily());
      // It takes turns in its own conversation, so nobody has to claim it.
      const child = await begin(store, {
        ...below(parent),
        conversation_id: newId('conv'),
        detached: false,
      });
      await end(child);
      await expect(store.deleteTask(child.id, child.owner)).rejects.toMatchObject(undone);
      const conversation = store.deleteConversation(String(child.conversation_id), child.owner);
      await expect(conversation).rejects.toMatchObject(undone);
      expect(await forgetEnded(child)).toEqual([]);
      await store.markParentTold(child.id);
      expect(await forgetEnded(child)).toEqual([child.id]);
    });

    it('takes a child that no parent waits for: its parent has ended, or has not begun', async () => {
      const { store } = subject();
      const { parent, children } = await family(1);
      await end(parent);
      expect(await store.deleteTask(children[0].id, parent.owner)).toBe(true);
      const other = await family(1);
      await rows(subject(), `update tasks set status = 'PENDING' where id = '${other.parent.id}'`);
      expect(await store.deleteTask(other.children[0].id, other.parent.owner)).toBe(true);
    });
  });
}
