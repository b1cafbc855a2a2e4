import { describe, expect, it } from 'vitest';
import {
  keyIdOf,
  opensFeed,
  streamToken,
  streamTokenExpiry,
} from '../../../api/auth/stream-token.ts';
import type { TaskRecord } from '../../../contract/task.ts';
import { openMemoryStore } from '../../../store/open-store.ts';
import { accept } from '../../store/fixtures.ts';

await using store = await openMemoryStore();
const { apiKey } = await store.createKey('ada', ['tasks:read']);
const key = (await store.findKey({ id: apiKey.id }))!;
const task = await accept(store, { owner: 'ada' });
const token = streamToken(key, task);
const ended = (minutesAgo: number): TaskRecord => ({
  ...task,
  finished_at: new Date(Date.now() - minutesAgo * 60_000).toISOString(),
});

describe('a stream token', () => {
  it('names its key, and nothing else is taken for a token', () => {
    expect(keyIdOf(token)).toBe(key.id);
    for (const text of ['', key.id, `${token}x`, ` ${token}`, 'holdfast_stream_keyless']) {
      expect(keyIdOf(text)).toBeNull();
    }
  });

  it('opens the feed of its task for its key, until 15 minutes after the end', () => {
    expect(opensFeed(token, key, task)).toBe(true);
    expect(opensFeed(token, key, ended(14.9))).toBe(true);
    expect(opensFeed(token, key, ended(15))).toBe(false);
    expect(streamTokenExpiry({ ...task, finished_at: '2026-01-02T03:04:05.678Z' })).toBe(
      '2026-01-02T03:19:05.678Z',
    );
    expect(streamTokenExpiry(task)).toBeNull();
  });

  it('opens no other task, no later epoch of its own, and nothing once its letters were changed', () => {
    expect(opensFeed(token, key, { ...task, id: `${task.id}2` })).toBe(false);
    expect(opensFeed(token, key, { ...task, epoch: 2 })).toBe(false);
    expect(opensFeed(token, { ...key, token_secret: 'another' }, task)).toBe(false);
    expect(opensFeed(`${token.slice(0, -1)}!`, key, task)).toBe(false);
    expect(opensFeed(token.slice(0, -1), key, task)).toBe(false);
  });
});
