/** What the scripted model says to one request, in order. A refusal (`status`) stands alone. */
export type Turn = readonly ScriptStep[];

export type ScriptStep =
  /** Text for the reader, in `pieces` (default 1) of equal UTF-16 length, `everyMs` apart. A piece may end in half a character. */
  | { say: string; pieces?: number; everyMs?: number }
  /** The same as reasoning. */
  | { reason: string; pieces?: number; everyMs?: number }
  /** A tool call: first its name, then its arguments in two pieces. A string is sent as it is, parsable or not. */
  | { call: ScriptedCall }
  /** Waits until the test opens it. */
  | { gate: Gate }
  /** Says nothing more until the socket closes. */
  | { stall: true }
  /** Destroys the socket in mid-stream. */
  | { cut: true }
  /** Refuses before any stream. */
  | Refusal
  /** Writes this text as a chunk. */
  | { malformed: string }
  /** Figures of the usage chunk; null: none is sent. Default `DEFAULT_USAGE`. */
  | { usage: WireUsage | null }
  /** The finish reason, where it is not `stop` or `tool_calls`. */
  | { finish: string };

export interface ScriptedCall {
  id: string;
  name: string;
  arguments: unknown;
}

export interface Refusal {
  status: number;
  retryAfter?: string;
  body?: unknown;
}

export interface WireUsage {
  prompt_tokens: number;
  completion_tokens: number;
}

export const DEFAULT_USAGE: WireUsage = { prompt_tokens: 10, completion_tokens: 5 };

/** A point in a script at which the model waits for the test. */
export interface Gate {
  /** Resolves when the model has come to it. */
  readonly reached: Promise<void>;
  /** Lets the model go on, now or when it comes. */
  open(): void;
  /** For the server: says that the model is here, and waits. */
  pass(): Promise<void>;
}

export function gate(): Gate {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    open: opened.resolve,
    pass() {
      reached.resolve();
      return opened.promise;
    },
  };
}

/** Cuts the text into `count` pieces of equal UTF-16 length, fewer where it is shorter. */
export function cutIntoPieces(text: string, count = 1): string[] {
  const size = Math.max(Math.ceil(text.length / count), 1);
  return Array.from({ length: Math.ceil(text.length / size) }, (_, n) =>
    text.slice(n * size, (n + 1) * size),
  );
}

/** Scripts under this key are for every model id that has none of its own; each such id begins with the first turn. */
export const ANY_KEY = '*';

/** The turns that are still to come, by key. */
export function createScriptBook() {
  const scripts = new Map<string, Turn[]>();
  const problems: string[] = [];
  return {
    problems,
    add(key: string, turns: readonly Turn[]): void {
      scripts.set(key, [...(scripts.get(key) ?? []), ...turns]);
    },
    /** The key's next turn. None: a problem, recorded. */
    take(key: string): Turn | undefined {
      const script = scripts.get(key) ?? [...(scripts.get(ANY_KEY) ?? [])];
      scripts.set(key, script);
      const turn = script.shift();
      if (!turn) problems.push(`a request for model "${key}" that its script does not hold`);
      return turn;
    },
  };
}
