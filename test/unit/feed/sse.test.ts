import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sseRefusal, sseResponse, type SseFrame, type SseSource } from '../../../api/sse.ts';

afterEach(() => void vi.useRealTimers());

/** A source that gives these, one per call. */
function sourceOf(...answers: (SseFrame[] | null)[]) {
  const source = {
    calls: 0,
    closed: 0,
    dropped: 0,
    next: async () => {
      source.calls += 1;
      return answers.length > 0 ? answers.shift()! : new Promise<null>(() => {});
    },
    close: () => void (source.closed += 1),
    drop: () => void (source.dropped += 1),
    mayRead: () => true,
  };
  return source;
}

const frame = (n: number, size = 2): SseFrame => ({ id: `t:${n}`, data: `"${'x'.repeat(size)}"` });

describe('a stream of events', () => {
  it('begins with a jittered time to come back, and ends cleanly when its source ends', async () => {
    const source = sourceOf([frame(1), frame(2)], null);
    const text = await sseResponse(source).text();
    expect(text).toMatch(/^retry: [12]\d{3}\n\nid: t:1\ndata: "xx"\n\nid: t:2\ndata: "xx"\n\n$/);
    expect(source).toMatchObject({ closed: 1, dropped: 0 });
  });

  it('is kept alive by comments that no parser gives to its reader', async () => {
    const text = await sseResponse(sourceOf([], [frame(1)], [], null)).text();
    expect(text.match(/^: keep-alive$/gm)).toHaveLength(2);
    const events = new Response(text)
      .body!.pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    const ids: unknown[] = [];
    for await (const { id } of events) ids.push(id);
    expect(ids).toEqual(['t:1']);
  });

  it('shares the bytes of large frames with all its readers, and writes small ones together', async () => {
    const [small, large] = [[frame(1), frame(2)], frame(3, 60_000)];
    const [one, other] = await Promise.all(
      [1, 2].map(async () => {
        const source = sourceOf([...small, large, frame(4)], null);
        const chunks: Uint8Array[] = [];
        for await (const chunk of sseResponse(source).body!) chunks.push(chunk);
        return chunks.slice(1);
      }),
    );
    expect(one).toHaveLength(3);
    expect(one?.[1]?.buffer).toBe(other?.[1]?.buffer);
    const text = Buffer.concat(one ?? []).toString();
    const ids = [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id);
    expect(ids).toEqual(['t:1', 't:2', 't:3', 't:4']);
  });

  it('ends between two frames when its reader may not read any more', async () => {
    let left = 2;
    const source = { ...sourceOf([frame(1)], [frame(2)], [frame(3)]), mayRead: () => left-- > 0 };
    const text = await sseResponse(source).text();
    expect(text.replace(/^retry.*\n\n/, '')).toBe('id: t:1\ndata: "xx"\n\nid: t:2\ndata: "xx"\n\n');
  });

  it('says that it is one, and that nobody may keep it or hold it back', () => {
    const { headers, status } = sseResponse(sourceOf());
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toEqual({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
  });

  it('that is refused ends at once with a time to come back', async () => {
    const refusal = sseRefusal();
    expect(refusal.status).toBe(200);
    expect(await refusal.text()).toMatch(/^retry: [12]\d{3}\n\n$/);
  });
});

describe('a reader', () => {
  it('that goes away closes the source, once', async () => {
    const source = sourceOf([frame(1)]);
    const reader = sseResponse(source).body!.getReader();
    await reader.read();
    await reader.cancel();
    await reader.cancel();
    expect(source).toMatchObject({ closed: 1, dropped: 0 });
  });

  it('that does not read is cut off after half a minute, and its source closed', async () => {
    vi.useFakeTimers();
    const source = sourceOf([frame(1)], [frame(2)], [frame(3)]);
    const reader = sseResponse(source).body!.getReader();
    await reader.read();
    await vi.advanceTimersByTimeAsync(29_999);
    expect(source).toMatchObject({ closed: 0, dropped: 0 });
    await vi.advanceTimersByTimeAsync(1);
    expect(source).toMatchObject({ closed: 1, dropped: 1 });
  });

  it('that reads slowly takes a large frame in parts, each within half a minute', async () => {
    vi.useFakeTimers();
    const large = frame(1, 1_000_000);
    const source = sourceOf([large], null);
    const chunks: Uint8Array[] = [];
    for await (const chunk of sseResponse(source).body!) {
      expect(chunk.length).toBeLessThanOrEqual(64 * 1024);
      chunks.push(chunk);
      await vi.advanceTimersByTimeAsync(20_000);
    }
    expect(source).toMatchObject({ closed: 1, dropped: 0 });
    expect(Buffer.concat(chunks.slice(1)).toString()).toBe(
      `id: ${large.id}\ndata: ${large.data}\n\n`,
    );
  });

  it('that reads is never cut off, however long it waits for the next event', async () => {
    vi.useFakeTimers();
    const source = sourceOf([frame(1)]);
    const reader = sseResponse(source).body!.getReader();
    await reader.read();
    await reader.read();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(source).toMatchObject({ closed: 0, dropped: 0 });
  });

  it('that does not read costs bounded memory, and holds up nobody', async () => {
    const frames = 2_000;
    const asked = { stuck: 0, reading: 0 };
    const endless = (name: keyof typeof asked): SseSource => ({
      next: async () => (asked[name]++ < frames ? [frame(asked[name], 64 * 1024)] : null),
      mayRead: () => true,
      close: () => {},
    });
    const server = createAdaptorServer({
      fetch: ({ url }) => sseResponse(endless(url.endsWith('/stuck') ? 'stuck' : 'reading')),
    }) as Server;
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1').pause();
    socket.write('GET /stuck HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await vi.waitUntil(() => asked.stuck > 0);

    const response = await fetch(`http://127.0.0.1:${port}/reading`);
    const bytes = (await response.arrayBuffer()).byteLength;
    expect(bytes).toBeGreaterThan(frames * 64 * 1024);
    // What the sockets between the two hold, about 10 MB, of 128 MB.
    expect(asked.stuck).toBeLessThan(frames / 4);
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});
