import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../contract/events.ts';
import { cutText } from '../../contract/text.ts';
import { openRelay } from '../../relay/open-relay.ts';
import { payloadsOf } from '../../relay/payloads.ts';
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

  it('sends entries one by one where they do not fit together, and tells of one that never fits', () => {
    const entry = (seq: number, length: number): LogEvent => ({
      type: 'task.progress',
      task_id: 'task_1',
      seq,
      at: '2026-01-01T00:00:00.000Z',
      data: { progress: 0, note: 'x'.repeat(length) },
    });
    const events = [entry(2, 10), entry(3, 6_000), entry(4, 9_000)];
    const messages = payloadsOf({ kind: 'entries', events, runId: 'run-1' }).map(
      (payload) => JSON.parse(payload) as RelayMessage,
    );
    expect(messages).toEqual([
      { kind: 'entries', events: [events[0]], runId: 'run-1' },
      { kind: 'entries', events: [events[1]], runId: 'run-1' },
      { kind: 'log', lastSeq: 4, runId: 'run-1' },
    ]);
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
