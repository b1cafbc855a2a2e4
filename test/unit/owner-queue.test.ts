import { expect, it } from 'vitest';
import { createOwnerQueue } from '../../store/owner-queue.ts';

it('does the work of one owner in turn, past a failure, and does not let another owner wait', async () => {
  const inTurn = createOwnerQueue();
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  const work = (name: string) => async () => {
    if (name === 'a1') await first.promise;
    done.push(name);
    if (name === 'a2') throw new Error('refused');
    return name;
  };
  const a1 = inTurn('a', work('a1'));
  const a2 = inTurn('a', work('a2'));
  const a3 = inTurn('a', work('a3'));
  expect(await inTurn('b', work('b1'))).toBe('b1');
  expect(done).toEqual(['b1']);
  first.resolve();
  expect(await a1).toBe('a1');
  await expect(a2).rejects.toThrow('refused');
  expect(await a3).toBe('a3');
  expect(done).toEqual(['b1', 'a1', 'a2', 'a3']);
});
