import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { turnsOfSources, viewHistory } from '../../../activities/view-history.ts';
import type { Agent } from '../../../agents/agent.ts';
import type { TaskRecord } from '../../../contract/task.ts';
import { openMemoryStore } from '../../../store/open-store.ts';
import type { NewTask } from '../../../store/new-task.ts';
import type { Store } from '../../../store/store.ts';
import { accept, begin, completion, newId } from '../../store/fixtures.ts';

/** Twenty tokens, as they are estimated. */
const LONG = 'la la la la '.repeat(7).slice(0, 80);

let store: Store;
beforeAll(async () => {
  store = await openMemoryStore();
});
afterAll(() => store[Symbol.asyncDispose]());

const agentOf = (contextTokens: number): Agent => ({
  name: 'default',
  description: '',
  instructions: '',
  tools: [],
  contextTokens,
});

async function answered(given: Partial<NewTask>): Promise<TaskRecord> {
  const task = await begin(store, given);
  return (await store.finishTask(completion(task, LONG))).task;
}

describe('what a run reads ahead of its own input', () => {
  const goOn = (from: TaskRecord) => ({
    owner: from.owner,
    continue_from: { task_id: from.id, partial: 'keep' as const },
  });

  it('is the chain of tasks that it goes on from, as far back as fits the context', async () => {
    const one = await answered({ input: LONG });
    const two = await answered({ ...goOn(one), input: LONG });
    const three = await accept(store, { ...goOn(two), input: LONG });
    const view = async (tokens: number) => viewHistory(store, three, agentOf(tokens));
    expect(await view(100)).toEqual({
      conversation: null,
      sources: { ids: [one.id, two.id], omittedTurns: 0 },
    });
    expect((await view(99)).sources).toEqual({ ids: [two.id], omittedTurns: 1 });
    expect((await view(20)).sources).toEqual({ ids: [], omittedTurns: 2 });
  });

  it('is no conversation where the call of another task has started it', async () => {
    const shared = { owner: newId('owner'), conversation_id: newId('conv') };
    const lead = await begin(store, { ...shared, input: LONG });
    const parent = { task_id: lead.id, call_id: 'c1' };
    const child = await accept(store, { ...shared, parent, detached: true });
    expect(await viewHistory(store, child, agentOf(100))).toEqual({ conversation: null });
  });

  it('is its conversation, then what it goes on from beside it', async () => {
    const shared = { owner: newId('owner'), conversation_id: newId('conv') };
    await answered({ ...shared, input: LONG });
    const beside = await answered({ ...shared, input: LONG, detached: true });
    const task = await accept(store, { ...shared, ...goOn(beside), input: LONG });
    const conversation = { id: shared.conversation_id, ordinal: 3 };
    expect(await viewHistory(store, task, agentOf(100))).toEqual({
      conversation: { ...conversation, fromOrdinal: 1, omittedTurns: 0 },
      sources: { ids: [beside.id], omittedTurns: 0 },
    });
    expect(await viewHistory(store, task, agentOf(60))).toEqual({
      conversation: { ...conversation, fromOrdinal: 3, omittedTurns: 1 },
      sources: { ids: [beside.id], omittedTurns: 0 },
    });
  });

  it('is nothing without a conversation and a task to go on from', async () => {
    expect(await viewHistory(store, await accept(store), agentOf(1))).toEqual({
      conversation: null,
    });
  });

  it('holds a partial answer of each task that the next one keeps', () => {
    const task = (input: string, partial: 'keep' | 'discard' | null, said: string | null) =>
      ({
        input,
        output: null,
        partial_output: said,
        continue_from: partial && { task_id: 'task_x', partial },
      }) as TaskRecord;
    const turns = turnsOfSources(
      [task('one', null, 'half'), task('two', 'keep', 'a bit'), task('three', 'discard', null)],
      task('four', 'keep', null),
    );
    expect(turns).toEqual([
      [
        { role: 'user', content: 'one', partial: false },
        { role: 'assistant', content: 'half', partial: true },
      ],
      [{ role: 'user', content: 'two', partial: false }],
      [{ role: 'user', content: 'three', partial: false }],
    ]);
  });
});
