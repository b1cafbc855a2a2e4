import { expect, it } from 'vitest';
import { createOutbox } from '../../relay/outbox.ts';
import type { RelayMessage, RelayMessageOf } from '../../relay/relay.ts';

const delta = (
  offset: number,
  text: string,
  of: Partial<RelayMessageOf<'delta'>['piece']> = {},
): RelayMessageOf<'delta'> => ({
  kind: 'delta',
  seq: 3,
  piece: { step: 1, attempt: 1, block: 0, kind: 'text', offset, text, ...of },
});

/** What leaves an outbox that these messages of one channel waited in. */
function sent(...messages: RelayMessage[]): RelayMessage[] {
  const outbox = createOutbox();
  for (const message of messages) outbox.add('a', message);
  const left = outbox.take(Infinity).map(({ payload }) => JSON.parse(payload) as RelayMessage);
  expect(outbox.isEmpty()).toBe(true);
  return left;
}

it('adds a delta to the one that waits before it', () => {
  expect(sent(delta(0, 'to '), delta(3, 'hold '), delta(8, 'fast'))).toEqual([
    delta(0, 'to hold fast'),
  ]);
});

it.each([
  ['leaves a gap', delta(4, 'hold')],
  ['says again what was said', delta(2, ' hold')],
  ['is of another block', delta(3, 'hold', { block: 1 })],
  ['is of another attempt', delta(3, 'hold', { attempt: 2 })],
  ['is of another step', delta(3, 'hold', { step: 2 })],
  ['belongs behind another entry', { ...delta(3, 'hold'), seq: 4 }],
  ['is of another workflow run', { ...delta(3, 'hold'), runId: 'another' }],
] as const)('leaves a delta alone that %s', (_, other) => {
  expect(sent(delta(0, 'to '), other)).toEqual([delta(0, 'to '), other]);
});

it('keeps the order of a channel: nothing joins on over what stands between', () => {
  const messages = [delta(0, 'to '), { kind: 'log', lastSeq: 4 } as const, delta(3, 'hold')];
  expect(sent(...messages)).toEqual(messages);
});

it('keeps channels apart, and joins nothing on to what was taken', () => {
  const outbox = createOutbox();
  outbox.add('a', delta(0, 'to '));
  outbox.add('b', delta(3, 'hold'));
  expect(outbox.take(1).map(({ channel }) => channel)).toEqual(['a']);
  outbox.add('a', delta(3, 'hold'));
  expect(outbox.take(Infinity).map(({ channel }) => channel)).toEqual(['b', 'a']);
});
