import { createHmac, timingSafeEqual } from 'node:crypto';
import type { TaskRecord } from '../../contract/task.ts';
import type { LiveKey } from '../../store/key-store.ts';

const PREFIX = 'holdfast_stream_';
const TOKEN = new RegExp(`^${PREFIX}(key_[\\w-]{22})\\.[\\w-]{43}$`);
/** A token is good for so long after its task has ended, in milliseconds. */
const AFTER_END_MS = 15 * 60_000;

/** While there are no keys nobody asks for a token, but who uses one must not be stopped by that. */
export const KEYLESS_TOKEN = `${PREFIX}keyless`;

/** Reads the feed of one task on behalf of a key, and is worth what the key is worth. Nothing of it is stored. */
export function streamToken(key: LiveKey, { id, epoch }: TaskRecord): string {
  const mac = createHmac('sha256', key.token_secret).update(`${id}:${epoch}`);
  return `${PREFIX}${key.id}.${mac.digest('base64url')}`;
}

/** The id of the key that a token was made with, or null where it cannot be a token. */
export function keyIdOf(token: string): string | null {
  return TOKEN.exec(token)?.[1] ?? null;
}

/** When a token of this task expires; null: not as long as the task runs. */
export function streamTokenExpiry({ finished_at }: TaskRecord): string | null {
  return finished_at && new Date(Date.parse(finished_at) + AFTER_END_MS).toISOString();
}

/** Whether time is over for every token of this task. */
export function tokensHaveExpired(task: TaskRecord): boolean {
  const expiry = streamTokenExpiry(task);
  return expiry !== null && Date.parse(expiry) <= Date.now();
}

/** Whether the token reads this task's feed, now. */
export function opensFeed(token: string, key: LiveKey, task: TaskRecord): boolean {
  const given = Buffer.from(token);
  const expected = Buffer.from(streamToken(key, task));
  const isOurs = given.length === expected.length && timingSafeEqual(given, expected);
  return isOurs && !tokensHaveExpired(task);
}
