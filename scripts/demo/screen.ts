const WIDTH = 76;
const MARGIN = '  │ ';

/** The terminal, as the demonstration writes to it. */
export interface Screen {
  /** A line of the story. */
  say(line?: string): void;
  /** A line with the seconds that the work has taken so far; at its end, what came of it. */
  during<T>(what: string, work: () => Promise<T>): Promise<T>;
  /** Words of a run, as they come, behind a margin. */
  stream(text: string): void;
}

export function createScreen(out: NodeJS.WriteStream): Screen {
  let column = 0;

  function endStream(): void {
    if (column > 0) out.write('\n');
    column = 0;
  }

  function newLine(): void {
    endStream();
    out.write(MARGIN);
    column = MARGIN.length;
  }

  function write(word: string): void {
    if (column === 0 || column + word.trimEnd().length > WIDTH) newLine();
    out.write(word);
    column += word.length;
  }

  function say(line = ''): void {
    endStream();
    out.write(`${line}\n`);
  }

  return {
    say,
    async during(what, work) {
      endStream();
      const began = performance.now();
      const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
      const show = () => out.write(`\r  … ${what} (${seconds()})`);
      const timer = out.isTTY ? setInterval(show, 100) : undefined;
      try {
        const result = await work();
        say(`${out.isTTY ? '\r' : ''}  ✓ ${what} (${seconds()})`);
        return result;
      } finally {
        clearInterval(timer);
      }
    },
    stream(text) {
      for (const piece of text.match(/\n+|[^\s\n]+[^\S\n]*|[^\S\n]+/g) ?? []) {
        if (piece.startsWith('\n')) newLine();
        else write(piece);
      }
    },
  };
}
