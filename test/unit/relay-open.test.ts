import { describe, expect, it } from 'vitest';
import { cutText } from '../../contract/text.ts';
import { openRelay } from '../../relay/open-relay.ts';
import { createAssembler, payloadsOf } from '../../relay/payloads.ts';
import type { RelayMessage } from '../../relay/relay.ts';

describe('openRelay', () => {
  it('opens the relay of one process where neither a relay nor a database is configured', async () => {
    await using relay = await openRelay({});
    const messages: RelayMessage[] = [];
    await relay.subscribe('task_1', (message) => messages.push(message));
    relay.publish('task_1', { kind: 'cancel' });
    expect(messages).toEqual([{ kind: 'cancel' }]);
  });

  it('is in process beside a database where it is told so', async () => {
    await using relay = await openRelay({
      relayUrl: 'in-process',
      databaseUrl: 'postgres://unused',
    });
    const messages: RelayMessage[] = [];
    await relay.subscribe('task_1', (message) => messages.push(message));
    relay.publish('task_1', { kind: 'end' });
    expect(messages).toEqual([{ kind: 'end' }]);
  });

  it.each(['mysql://example.test', 'nonsense', ''])(
    'refuses the relay URL %o and names RELAY_URL',
    async (relayUrl) => {
      await expect(openRelay({ relayUrl, databaseUrl: 'postgres://unused' })).rejects.toThrow(
        'RELAY_URL',
      );
    },
  );
});

describe('payloadsOf', () => {
  it('leaves a message alone that fits one notification', () => {
    expect(payloadsOf({ kind: 'log', lastSeq: 7 })).toEqual(['{"kind":"log","lastSeq":7}']);
  });

  const written = (note: string): RelayMessage => {
    const at = '2026-01-01T00:00:00.000Z';
    const data = { progress: 0, note };
    const entry = { type: 'task.progress', task_id: 'task_1', seq: 2, at, data } as const;
    return { kind: 'written', appended: { entry, before: '', digest: 'one' }, runId: 'run-1' };
  };

  it.each(['a', 'é', '😀', '"', '\u0001', '\ud800'])(
    'sends an entry of many %o in parts below 8,000 bytes, which are put together again',
    (character) => {
      const message = written(character.repeat(30_000));
      const payloads = payloadsOf(message);
      expect(payloads.length).toBeGreaterThan(1);
      for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
      const assemble = createAssembler();
      const received = payloads.map((payload) => assemble(payload));
      expect(received).toEqual([...payloads.slice(1).map(() => null), message]);
    },
  );

  it('leaves an entry out that would take too many', () => {
    expect(payloadsOf(written('x'.repeat(300_000)))).toEqual([]);
  });

  it('puts together what two publishers send at once, and nothing of which a part is missing or came twice', () => {
    const messages = ['a', 'b', 'c', 'd'].map((character) => written(character.repeat(20_000)));
    const [first, second, missing, twice] = messages.map((message) => payloadsOf(message));
    const assemble = createAssembler();
    const payloads = [
      ...first!.flatMap((payload, index) => [payload, second![index]!]),
      ...missing!.toSpliced(1, 1),
      ...twice!.flatMap((payload) => [payload, payload]),
    ];
    const received = payloads.map((payload) => assemble(payload)).filter(Boolean);
    expect(received).toEqual(messages.slice(0, 2));
  });

  it.each(['a', 'é', '😀', '"', '\u0001'])(
    'cuts a delta of many %o into pieces below 8,000 bytes',
    (character) => {
      const text = cutText(character.repeat(30_000), 30_001);
      const piece = { step: 1, attempt: 1, block: 0, kind: 'text' as const, offset: 5, text };
      const payloads = payloadsOf({ kind: 'delta', seq: 2, piece });
      for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
      const pieces = payloads.map(
        (payload) => (JSON.parse(payload) as { piece: typeof piece }).piece,
      );
      expect(pieces.map((part) => part.text).join('')).toBe(text);
      expect(pieces.every((part) => part.text.isWellFormed())).toBe(true);
    },
  );
});
