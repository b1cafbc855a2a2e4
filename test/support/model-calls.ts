/** The body of a chat-completions request, as far as tests look at it. */
export interface ChatRequest {
  model: string;
  messages: { role: string; content: unknown; tool_calls?: unknown[]; tool_call_id?: string }[];
  tools?: { function: { name: string } }[];
}

export interface RecordedRequest {
  body: ChatRequest;
  authorization: string | undefined;
  /** Milliseconds since 1970. */
  arrivedAt: number;
}

/** How a call ended. `server`: by a whole answer, a refusal or a `cut`. */
export interface Closing {
  by: 'client' | 'server';
  /** Milliseconds since 1970. */
  at: number;
}

/** One request and its answer. */
export interface Call {
  request?: RecordedRequest;
  closing?: Closing;
  /** Text, without reasoning, that was sent so far. */
  sent: string;
  /** The script has cut it in mid-stream. */
  cut?: true;
  readonly arrived: PromiseWithResolvers<void>;
  readonly closed: PromiseWithResolvers<Closing>;
}

/** The calls of each key, in the order of their arrival, from 1. */
export function createCallBook() {
  const book = new Map<string, Call[]>();

  /** A test may ask for a call before it has come. */
  function nth(key: string, n: number): Call {
    const calls = book.get(key) ?? [];
    book.set(key, calls);
    while (calls.length < n) {
      calls.push({ sent: '', arrived: Promise.withResolvers(), closed: Promise.withResolvers() });
    }
    return calls[n - 1]!;
  }

  function arrivedOf(key: string): (Call & { request: RecordedRequest })[] {
    return (book.get(key) ?? []).filter(
      (call): call is Call & { request: RecordedRequest } => !!call.request,
    );
  }

  return {
    nth,
    arrivedOf,
    arrive(request: RecordedRequest): Call {
      const key = request.body.model;
      const call = nth(key, arrivedOf(key).length + 1);
      call.request = request;
      call.arrived.resolve();
      return call;
    },
    close(call: Call, by: Closing['by']): void {
      call.closing = { by, at: Date.now() };
      call.closed.resolve(call.closing);
    },
    forget(key: string): void {
      for (const { request } of arrivedOf(key)) request.body.messages = [];
    },
    /** For tests in other processes. */
    summary() {
      const entries = [...book.keys()].map((key) => [key, arrivedOf(key).map(summaryOf)] as const);
      return Object.fromEntries(entries);
    },
  };
}

function summaryOf({ request, closing, sent }: Call) {
  return { arrivedAt: request?.arrivedAt, closedAt: closing?.at, closedBy: closing?.by, sent };
}
