import { expect, it } from 'vitest';
import { createDeltaPublisher } from '../../../activities/delta-publisher.ts';
import type { Block } from '../../../contract/text.ts';
import { createInProcessRelay } from '../../../relay/in-process.ts';
import type { RelayMessage } from '../../../relay/relay.ts';

type Delta = Extract<RelayMessage, { kind: 'delta' }>;

async function openPublisher() {
  const relay = createInProcessRelay((error) => {
    throw error;
  });
  const heard: Delta[] = [];
  await relay.subscribe('task_1', (message) => {
    if (message.kind === 'delta') heard.push(message);
  });
  const blocks: Block[] = [];
  const of = { taskId: 'task_1', seq: 3, step: 1, attempt: 2, blocks };
  return { heard, blocks, publisher: createDeltaPublisher({ relay, ...of }) };
}

it('publishes the first word at once, and the rest in pieces that follow each other', async () => {
  const { heard, blocks, publisher } = await openPublisher();
  publisher.say('reasoning', 'Hm');
  expect(heard.map(({ piece }) => piece.text)).toEqual(['Hm']);
  for (const word of ['. ', 'So', ' be it.']) publisher.say('reasoning', word);
  for (const word of ['', 'It', ' is', ' 🦁.']) publisher.say('text', word);
  publisher.flush();
  publisher.flush();

  let offset = 0;
  for (const { seq, piece } of heard) {
    expect({ seq, ...piece }).toMatchObject({ seq: 3, step: 1, attempt: 2, offset });
    expect(piece.kind).toBe(blocks[piece.block]?.kind);
    offset += piece.text.length;
  }
  expect(heard.map(({ piece }) => piece.text).join('')).toBe('Hm. So be it.It is 🦁.');
  expect(blocks).toEqual([
    { kind: 'reasoning', text: 'Hm. So be it.' },
    { kind: 'text', text: 'It is 🦁.' },
  ]);
});
