import type { Screen } from './screen.ts';

const NAME_WIDTH = 6;
const TEXT_WIDTH = 66;

/** Several speakers on one screen: each line is one speaker's. */
export interface Lanes {
  /** Words, as they come: they are on the screen when their line is full. */
  speak(who: string, text: string): void;
  /** What a speaker has said and does not go on with. */
  endLine(who: string): void;
  /** Something that happens to a speaker, on a line of its own. */
  note(who: string, text: string): void;
  /** Ends the lines of all. */
  endLines(): void;
}

export function createLanes(screen: Screen): Lanes {
  const lines = new Map<string, string>();

  function write(who: string, text: string): void {
    screen.say(`  ${who.padEnd(NAME_WIDTH)} │ ${text.trimEnd()}`);
  }

  function endLine(who: string): void {
    const line = lines.get(who) ?? '';
    lines.delete(who);
    if (line !== '') write(who, line);
  }

  function add(who: string, word: string): void {
    const line = lines.get(who) ?? '';
    const fits = line.length + word.trimEnd().length <= TEXT_WIDTH;
    if (!fits) endLine(who);
    lines.set(who, fits ? line + word : word);
  }

  return {
    speak(who, text) {
      for (const piece of text.match(/\n+|[^\s\n]+[^\S\n]*|[^\S\n]+/g) ?? []) {
        if (piece.startsWith('\n')) endLine(who);
        else add(who, piece);
      }
    },
    endLine,
    note(who, text) {
      endLine(who);
      const line = text.replace(/\s+/g, ' ');
      write(who, line.length > TEXT_WIDTH ? `${line.slice(0, TEXT_WIDTH - 1)}…` : line);
    },
    endLines() {
      for (const who of lines.keys()) endLine(who);
    },
  };
}
