/** What became of one model call. Times are `process.hrtime.bigint()` of the model's process, as text. */
export interface ModelCall {
  key: string;
  step: number;
  arrivedAt: string;
  firstTokenAt: string | null;
  /** When the connection was given up, or the answer was whole. Null: it goes on. */
  closedAt: string | null;
  closedBy: 'client' | 'server' | null;
  tokens: number;
  /** The longest that a token was behind its time. */
  lateMs: number;
}

export interface CallLog {
  arrive(key: string, step: number): ModelCall;
  list(key: string | null): ModelCall[];
  clear(): void;
}

export function createCallLog(): CallLog {
  let calls: ModelCall[] = [];
  return {
    arrive(key, step) {
      const arrivedAt = String(process.hrtime.bigint());
      const call: ModelCall = {
        key,
        step,
        arrivedAt,
        firstTokenAt: null,
        closedAt: null,
        closedBy: null,
        tokens: 0,
        lateMs: 0,
      };
      calls.push(call);
      return call;
    },
    list: (key) => (key === null ? calls : calls.filter((call) => call.key === key)),
    clear: () => {
      calls = [];
    },
  };
}
