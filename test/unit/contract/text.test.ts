import { describe, expect, it } from 'vitest';
import {
  appendText,
  cleanJson,
  cleanText,
  cutBytes,
  cutText,
  isClean,
  piecesFrom,
  spokenLength,
  TextCleaner,
  textOf,
  type Block,
} from '../../../contract/text.ts';
import { createRandom } from '../../support/random.ts';

describe('clean text', () => {
  it.each([
    ['plain 🦁', 'plain 🦁'],
    ['a\u0000b', 'a\uFFFDb'],
    ['\uD83E', '\uFFFD'],
    ['\uDD81\uD83E', '\uFFFD\uFFFD'],
    ['a\uD83Eb', 'a\uFFFDb'],
    ['', ''],
  ])('of %j is %j', (text, clean) => {
    expect(cleanText(text)).toBe(clean);
    expect(isClean(text)).toBe(text === clean);
    expect(isClean(clean)).toBe(true);
  });

  it('holds for every string of a JSON value, keys too, and leaves the rest as it is', () => {
    const value = { 'k\u0000': ['\uD800', 1, true, null, { deep: 'x\uDC00' }], n: 0.5, '': '' };
    expect(cleanJson(value)).toEqual({
      'k\uFFFD': ['\uFFFD', 1, true, null, { deep: 'x\uFFFD' }],
      n: 0.5,
      '': '',
    });
  });

  it('is the same whatever pieces it comes in', () => {
    const units = ['a', '\u0000', '\uD83E', '\uDD81', '🦁', 'ö', '\uFFFD'];
    const random = createRandom(7);
    const pick = (below: number) => Math.floor(random() * below);
    for (let round = 0; round < 500; round += 1) {
      const text = Array.from({ length: pick(12) }, () => units[pick(units.length)]).join('');
      const cleaner = new TextCleaner();
      let cleaned = '';
      for (let at = 0; at < text.length;) {
        const piece = text.slice(at, at + 1 + pick(4));
        at += piece.length;
        cleaned += cleaner.push(piece);
        expect(isClean(cleaned), JSON.stringify(text)).toBe(true);
      }
      expect(cleaned + cleaner.flush(), JSON.stringify(text)).toBe(cleanText(text));
      expect(cleaner.flush()).toBe('');
    }
  });
});

describe('blocks', () => {
  const blocks: Block[] = [
    { kind: 'reasoning', text: 'Hm. ' },
    { kind: 'text', text: 'It is ' },
    { kind: 'reasoning', text: 'or?' },
    { kind: 'text', text: '🦁' },
  ];

  it('say their text without their reasoning, and are as long as both', () => {
    expect(textOf(blocks)).toBe('It is 🦁');
    expect(spokenLength(blocks)).toBe(15);
  });

  it('grow at their end, by a new block where the kind changes', () => {
    const grown: Block[] = [];
    const said: [Block['kind'], string][] = [
      ['text', ''],
      ['reasoning', 'Hm'],
      ['reasoning', '. '],
      ['text', ''],
      ['text', 'It'],
      ['reasoning', 'or?'],
    ];
    for (const [kind, text] of said) appendText(grown, kind, text);
    expect(grown).toEqual([
      { kind: 'reasoning', text: 'Hm. ' },
      { kind: 'text', text: 'It' },
      { kind: 'reasoning', text: 'or?' },
    ]);
  });

  it('are given from any offset on, a piece per block', () => {
    const whole = blocks.map(({ text }) => text).join('');
    for (let offset = 0; offset <= whole.length + 2; offset += 1) {
      const pieces = piecesFrom(blocks, offset);
      expect(pieces.map(({ text }) => text).join('')).toBe(whole.slice(offset));
      for (const piece of pieces) {
        expect(whole.slice(piece.offset, piece.offset + piece.text.length)).toBe(piece.text);
        expect(piece.kind).toBe(blocks[piece.block]?.kind);
      }
    }
  });
});

describe('cutting', () => {
  it('counts UTF-16 units and splits no character', () => {
    expect(cutText('a🦁b', 4)).toBe('a🦁b');
    expect(cutText('a🦁b', 3)).toBe('a🦁');
    expect(cutText('a🦁b', 2)).toBe('a');
    expect(cutText('a🦁b', 0)).toBe('');
  });

  it('counts bytes of UTF-8 and splits no character', () => {
    const text = 'aö€🦁z';
    for (let max = 0; max <= 12; max += 1) {
      const cut = cutBytes(text, max);
      expect(text.startsWith(cut)).toBe(true);
      expect(cut.isWellFormed()).toBe(true);
      const next = [...text][[...cut].length] ?? '';
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(max);
      if (next) expect(Buffer.byteLength(cut + next)).toBeGreaterThan(max);
    }
  });
});
