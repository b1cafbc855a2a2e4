import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createHoldfastClient } from '../../client/create-holdfast-client.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ID = 'task_1:2';
const STARTED = `id: ${ID}\ndata: {"type":"task.started","task_id":"task_1","seq":2}\n\n`;
const END = 'id: task_1:3\ndata: {"type":"task.completed","task_id":"task_1","seq":3}\n\n';

/** A body that gives this and then nothing, until its request is aborted; it then fails as the browser says. */
function silentBody(text: string, signal: AbortSignal, reason: () => unknown) {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      signal.addEventListener('abort', () => controller.error(reason()));
    },
  });
}

it.each([
  ['hands the reason on', (signal: AbortSignal): unknown => signal.reason],
  ['says that it was aborted', () => new DOMException('aborted', 'AbortError')],
])('comes back from a connection that fell silent, in a browser that %s', async (_, reasonOf) => {
  const cursors: (string | null)[] = [];
  const client = createHoldfastClient({
    baseUrl: 'http://holdfast.test',
    fetch: (_url, init) => {
      const signal = init?.signal as AbortSignal;
      cursors.push(new Headers(init?.headers).get('last-event-id'));
      const isFirst = cursors.length === 1;
      return Promise.resolve(
        new Response(silentBody(isFirst ? STARTED : END, signal, () => reasonOf(signal))),
      );
    },
  });
  const types: string[] = [];
  const reading = (async () => {
    for await (const { frame } of client.events('task_1')) types.push(frame.type);
  })();
  await vi.advanceTimersByTimeAsync(60_000);
  await reading;
  expect(types).toEqual(['task.started', 'task.completed']);
  expect(cursors).toEqual([null, ID]);
});

it('does not come back sooner than it would by itself, whatever Retry-After says', async () => {
  let asked = 0;
  const client = createHoldfastClient({
    baseUrl: 'http://holdfast.test',
    fetch: () => {
      asked += 1;
      const headers = { 'retry-after': asked === 1 ? '-1' : '31536000' };
      return Promise.resolve(new Response(null, { status: 503, headers }));
    },
  });
  const stop = new AbortController();
  const reading = (async () => {
    for await (const _frame of client.events('task_1', { signal: stop.signal })) break;
  })();
  await vi.advanceTimersByTimeAsync(400);
  expect(asked).toBe(1);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(asked).toBe(2);
  stop.abort();
  await reading;
});
