/** What a block holds: the model's reasoning, or text meant for the reader. */
export type BlockKind = 'reasoning' | 'text';

/** A run of one kind in what a step says. Only the last block of a step grows. */
export interface Block {
  kind: BlockKind;
  text: string;
}

const HIGH_SURROGATE_AT_END = /[\uD800-\uDBFF]$/;

/** Well-formed Unicode without U+0000, which PostgreSQL's text and json types refuse. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}

/** Whether `cleanText` would leave the text as it is. */
export function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

/** Applies `cleanText` to every string, object keys included, of a JSON value. */
export function cleanJson<T>(value: T): T {
  if (typeof value === 'string') return cleanText(value) as T;
  if (Array.isArray(value)) return value.map(cleanJson) as T;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [cleanText(key), cleanJson(inner)]),
  ) as T;
}

/** Cleans text that arrives in pieces: a surrogate pair cut between two pieces stays one character. */
export class TextCleaner {
  #held = '';

  /** The clean text that is complete so far; a trailing high surrogate is held back for the next piece. */
  push(piece: string): string {
    const text = this.#held + piece;
    this.#held = HIGH_SURROGATE_AT_END.exec(text)?.[0] ?? '';
    return cleanText(this.#held ? text.slice(0, -1) : text);
  }

  /** What was held back, made well-formed. Call it once, at the end. */
  flush(): string {
    const rest = cleanText(this.#held);
    this.#held = '';
    return rest;
  }
}

/** The text blocks in order: what a step says to the reader, without its reasoning. */
export function textOf(blocks: readonly Block[]): string {
  return blocks.map((block) => (block.kind === 'text' ? block.text : '')).join('');
}

/** UTF-16 length of all blocks: the offset at which the step's next character will stand. */
export function spokenLength(blocks: readonly Block[]): number {
  return blocks.reduce((length, block) => length + block.text.length, 0);
}

/** Adds text to the last block where it is of the same kind, else as a new block. Changes `blocks`. */
export function appendText(blocks: Block[], kind: BlockKind, text: string): void {
  if (text === '') return;
  const last = blocks.at(-1);
  if (last?.kind === kind) last.text += text;
  else blocks.push({ kind, text });
}

/** A piece of one block. `offset` counts UTF-16 units over all blocks of the step. */
export interface Piece {
  block: number;
  kind: BlockKind;
  offset: number;
  text: string;
}

/** What the blocks hold from `offset` on, a piece per block. */
export function piecesFrom(blocks: readonly Block[], offset: number): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  blocks.forEach(({ kind, text }, block) => {
    const from = Math.max(offset - start, 0);
    if (from < text.length)
      pieces.push({ block, kind, offset: start + from, text: text.slice(from) });
    start += text.length;
  });
  return pieces;
}

/** The first `length` UTF-16 units, one fewer where that would split a surrogate pair. */
export function cutText(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = text.slice(0, length);
  return HIGH_SURROGATE_AT_END.test(cut) ? cut.slice(0, -1) : cut;
}

/** The longest start of the text that fits `maxBytes` of UTF-8. */
export function cutBytes(text: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > maxBytes) return text.slice(0, end);
    end += character.length;
  }
  return text;
}
