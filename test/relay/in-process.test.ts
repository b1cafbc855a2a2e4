import { expect, it } from 'vitest';
import { createInProcessRelay } from '../../relay/in-process.ts';
import { createSubscribers } from '../../relay/subscribers.ts';
import { describeRelay } from './relay-contract.ts';

describeRelay('in process', async () => {
  const relay = createInProcessRelay();
  return {
    publisher: relay,
    subscriber: relay,
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
});

it('the in-process relay has delivered when publish returns, and reports what a subscriber throws', async () => {
  const errors: unknown[] = [];
  await using relay = createInProcessRelay((error) => errors.push(error));
  const bug = new Error('a bug of the subscriber');
  let delivered = 0;
  await relay.subscribe('task_1', () => {
    throw bug;
  });
  await relay.subscribe('task_1', () => (delivered += 1));
  relay.publish('task_1', { kind: 'end' });
  expect(delivered).toBe(1);
  expect(errors).toEqual([bug]);
});

it('a channel without subscribers leaves nothing behind', () => {
  const subscribers = createSubscribers(() => {});
  const ends = Array.from({ length: 1_000 }, (_, index) =>
    subscribers.add(`task_${index % 10}`, () => {}),
  );
  expect(subscribers.channels()).toHaveLength(10);
  for (const end of ends) end();
  expect(subscribers.channels()).toEqual([]);
});
