import type { LogEvent } from './events.ts';

/** An entry as a workflow run has appended it, with the digests of its log before and behind it. */
export interface AppendedEntry {
  entry: LogEvent;
  before: string;
  digest: string;
}

/** The digest of a log without entries. */
export const EMPTY_LOG = '';

/**
 * The digest of a log with one more entry: two logs that end with the same digest are the same. Not against forgery, only
 * against mistakes, so 64 bits of FNV-1a do (http://www.isthe.com/chongo/tech/comp/fnv/), over UTF-16 units.
 */
export function extendDigest(digest: string, entry: LogEvent): string {
  const text = digest + JSON.stringify(entry);
  return fnv1a(text, 0x811c9dc5) + fnv1a(text, 0x050c5d1f);
}

const FNV_PRIME = 0x01000193;

/** Looked up once: within a workflow's sandbox every use of a global is a call out of the engine's compiled code. */
const { imul } = Math;

function fnv1a(text: string, basis: number): string {
  let hash = basis;
  for (let index = 0; index < text.length; index += 1) {
    hash = imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  }
  return (hash >>> 0).toString(36);
}
