import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Relay, RelayMessage } from '../../relay/relay.ts';

/** Relays under test: what one publishes the other delivers. */
export interface RelayPair extends AsyncDisposable {
  publisher: Relay;
  subscriber: Relay;
}

/** An id that no other test run uses: a server's channels are shared by all. */
export function newTask(): string {
  return `task_${randomUUID()}`;
}

type Delta = Extract<RelayMessage, { kind: 'delta' }>;

/** A delta whose text begins at `offset`. */
export function delta(offset: number, text: string): Delta {
  return {
    kind: 'delta',
    seq: 2,
    piece: { step: 1, attempt: 1, block: 0, kind: 'text', offset, text },
  };
}

/** Collects what arrives, and waits until something does. */
export async function listen(relay: Relay, taskId: string) {
  const messages: RelayMessage[] = [];
  const stop = await relay.subscribe(taskId, (message) => messages.push(message));
  return { messages, stop };
}

/** Publishes a bell that nothing else publishes, and waits for it: what came before it has arrived by then. */
export async function settle(
  pair: Omit<RelayPair, typeof Symbol.asyncDispose>,
  taskId: string,
): Promise<void> {
  const { messages, stop } = await listen(pair.subscriber, taskId);
  pair.publisher.publish(taskId, { kind: 'end' });
  await vi.waitFor(() => expect(messages).toContainEqual({ kind: 'end' }), 10_000);
  stop();
}

/** What every relay does, whatever carries it. */
export function describeRelay(name: string, open: () => Promise<RelayPair>): void {
  describe(`relay: ${name}`, () => {
    let pair: RelayPair;
    let taskId: string;
    beforeAll(async () => {
      pair = await open();
    });
    afterAll(() => pair[Symbol.asyncDispose]());
    const nextTask = () => (taskId = newTask());

    it('delivers the messages of a task in the order they were published', async () => {
      const { messages } = await listen(pair.subscriber, nextTask());
      const sent = Array.from({ length: 500 }, (_, index) => delta(2 * index, String(index % 10)));
      for (const message of sent) pair.publisher.publish(taskId, message);
      await settle(pair, taskId);
      expect(messages.slice(0, -1)).toEqual(sent);
    });

    it('delivers only the messages of the task that was subscribed to', async () => {
      const other = nextTask();
      const { messages } = await listen(pair.subscriber, nextTask());
      pair.publisher.publish(other, { kind: 'cancel' });
      pair.publisher.publish(taskId, { kind: 'log', lastSeq: 3 });
      await settle(pair, taskId);
      expect(messages).toEqual([{ kind: 'log', lastSeq: 3 }, { kind: 'end' }]);
    });

    it('delivers every message to all subscribers of a task', async () => {
      const first = await listen(pair.subscriber, nextTask());
      const second = await listen(pair.subscriber, taskId);
      pair.publisher.publish(taskId, delta(0, 'both'));
      await settle(pair, taskId);
      expect(first.messages).toEqual([delta(0, 'both'), { kind: 'end' }]);
      expect(second.messages).toEqual(first.messages);
    });

    it('delivers nothing more once a subscription has ended, and goes on for the others', async () => {
      const first = await listen(pair.subscriber, nextTask());
      const second = await listen(pair.subscriber, taskId);
      first.stop();
      first.stop();
      pair.publisher.publish(taskId, { kind: 'cancel' });
      await settle(pair, taskId);
      expect(first.messages).toEqual([]);
      expect(second.messages).toEqual([{ kind: 'cancel' }, { kind: 'end' }]);
    });

    it('delivers again after the last subscriber left and a new one came at once', async () => {
      const first = await listen(pair.subscriber, nextTask());
      first.stop();
      const second = await listen(pair.subscriber, taskId);
      pair.publisher.publish(taskId, { kind: 'cancel' });
      await settle(pair, taskId);
      expect(second.messages).toEqual([{ kind: 'cancel' }, { kind: 'end' }]);
    });

    it('keeps delivering when a subscriber throws', async () => {
      await pair.subscriber.subscribe(nextTask(), () => {
        throw new Error('a bug of the subscriber');
      });
      const { messages } = await listen(pair.subscriber, taskId);
      pair.publisher.publish(taskId, { kind: 'cancel' });
      await settle(pair, taskId);
      expect(messages).toEqual([{ kind: 'cancel' }, { kind: 'end' }]);
    });

    it('carries a text of any size, whole and never cut inside a character', async () => {
      const { messages } = await listen(pair.subscriber, nextTask());
      const text = `"${'😀\u0001é'.repeat(20_000)}"`;
      pair.publisher.publish(taskId, delta(7, text));
      await settle(pair, taskId);
      const pieces = messages
        .filter((message) => message.kind === 'delta')
        .map(({ piece }) => piece);
      let offset = 7;
      for (const piece of pieces) {
        expect(piece.text.isWellFormed()).toBe(true);
        expect(piece.offset).toBe(offset);
        offset += piece.text.length;
      }
      expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    });

    it('takes a message that nobody listens to', async () => {
      pair.publisher.publish(nextTask(), { kind: 'cancel' });
      await settle(pair, taskId);
    });

    it('delivers nothing once it is closed, and still takes messages and subscriptions', async () => {
      const closing = await open();
      const { messages } = await listen(closing.subscriber, nextTask());
      await closing[Symbol.asyncDispose]();
      const late = await listen(closing.subscriber, taskId);
      closing.publisher.publish(taskId, { kind: 'cancel' });
      pair.publisher.publish(taskId, { kind: 'cancel' });
      await settle(pair, taskId);
      late.stop();
      expect(messages).toEqual([]);
    });
  });
}
