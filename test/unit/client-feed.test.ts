import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { createHoldfastClient } from '../../client/create-holdfast-client.ts';
import type { FeedFrame } from '../../client/read-feed.ts';
import { startPlainServer } from '../support/plain-server.ts';

const TASK = 'task_1';
const RETRY = 'retry: 1\n\n';

const delta = (offset: number, text: string) => ({
  id: `${TASK}:3.1.${offset + text.length}`,
  frame: { type: 'turn.delta', step: 1, attempt: 1, block: 0, kind: 'text', offset, text },
});
const END = { id: `${TASK}:4`, frame: { type: 'task.completed', task_id: TASK, seq: 4 } };
const line = ({ id, frame }: { id: string; frame: object }) =>
  `id: ${id}\ndata: ${JSON.stringify(frame)}\n\n`;

type Answer = (response: ServerResponse) => void;
const stream =
  (text: string, then: 'end' | 'cut' | 'stay' = 'end'): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text, () => {
      if (then === 'end') response.end();
      if (then === 'cut') response.destroy();
    });
  };
const refuse =
  (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, headers);
    response.end(JSON.stringify({ error: { code, message: `it is ${code}`, request_id: 'r' } }));
  };

/** A server that gives its answers one after the other, and the requests that it got. */
async function serve(...answers: Answer[]) {
  const requests: IncomingMessage[] = [];
  const server = await startPlainServer((request, response) => {
    requests.push(request);
    const answer = answers.shift();
    if (answer) answer(response);
    else response.writeHead(500).end('the script has run out');
  });
  return { ...server, requests, client: createHoldfastClient({ baseUrl: server.url }) };
}

async function collect(frames: AsyncIterable<FeedFrame>): Promise<FeedFrame[]> {
  const all: FeedFrame[] = [];
  for await (const frame of frames) all.push(frame);
  return all;
}

it('goes on behind the last frame after a lost connection and after a clean end, up to the terminal event', async () => {
  const [first, second] = [delta(0, 'Dur'), delta(3, 'able')];
  await using server = await serve(
    stream(RETRY + line(first), 'cut'),
    stream(RETRY),
    stream(line(second)),
    stream(line(END), 'stay'),
  );
  expect(await collect(server.client.events(TASK))).toEqual([first, second, END]);
  const cursors = server.requests.map(({ headers }) => headers['last-event-id']);
  expect(cursors).toEqual([undefined, first.id, first.id, second.id]);
});

it('takes characters and frames that are cut between two pieces', async () => {
  const text = line(delta(0, 'größer 🦆')) + line(END);
  const bytes = Buffer.from(text);
  await using server = await serve((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const byte of bytes) response.write(Uint8Array.of(byte));
    response.end();
  });
  expect(await collect(server.client.events(TASK))).toEqual([delta(0, 'größer 🦆'), END]);
});

it('sends the first cursor and the wish for no deltas in the query', async () => {
  await using server = await serve(stream(line(END)));
  await collect(server.client.events(TASK, { after: 'task_1:3.1.5', deltas: false }));
  expect(server.requests[0]?.url).toBe(
    `/v1/tasks/${TASK}/events?after=task_1%3A3.1.5&deltas=false`,
  );
});

it('ends where the server says that nothing follows', async () => {
  await using server = await serve((response) => response.writeHead(204).end());
  expect(await collect(server.client.events(TASK))).toEqual([]);
});

it('throws what waiting does not mend', async () => {
  await using server = await serve(refuse(409, 'cursor_ahead'));
  await expect(collect(server.client.events(TASK))).rejects.toMatchObject({
    name: 'HoldfastError',
    code: 'cursor_ahead',
    status: 409,
    message: 'it is cursor_ahead',
  });
});

it('comes back after what passes by itself', async () => {
  await using server = await serve(
    stream(RETRY),
    refuse(503, 'shutting_down'),
    refuse(429, 'rate_limited', { 'retry-after': '0' }),
    (response) => response.destroy(),
    stream(line(END)),
  );
  expect(await collect(server.client.events(TASK))).toEqual([END]);
});

it('ends without an error when its signal is aborted, and gives the connection back', async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await serve((response) => {
    response.on('close', closed.resolve);
    stream(line(delta(0, 'Dur')) + line(delta(3, 'able')), 'stay')(response);
  });
  const stop = new AbortController();
  for await (const { frame } of server.client.events(TASK, { signal: stop.signal })) {
    expect(frame).toMatchObject({ text: 'Dur' });
    stop.abort();
  }
  await closed.promise;
});

it('gives the connection back when its reader leaves', async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await serve((response) => {
    response.on('close', closed.resolve);
    stream(line(delta(0, 'Dur')) + line(delta(3, 'able')), 'stay')(response);
  });
  for await (const _ of server.client.events(TASK)) break;
  await closed.promise;
});

it('asks for lists with one parameter per value, and reads an error that is not the service’s own', async () => {
  await using server = await serve(
    (response) => response.end('{"data":[],"next_cursor":null}'),
    (response) => response.writeHead(502).end('<html>Bad gateway</html>'),
  );
  await server.client.list({ status: ['PENDING', 'RUNNING'], metadata: { team: 'a b' }, limit: 5 });
  expect(server.requests[0]?.url).toBe(
    '/v1/tasks?status=PENDING&status=RUNNING&limit=5&metadata.team=a+b',
  );
  await expect(server.client.get('a/b')).rejects.toMatchObject({
    code: 'unreadable_response',
    status: 502,
  });
  expect(server.requests[1]?.url).toBe('/v1/tasks/a%2Fb');
});

it('sends its key with every request, and a stream token where it is given one', async () => {
  await using server = await serve(
    (response) => response.end('{"token":"holdfast_stream_x","expires_at":null}'),
    stream(RETRY + line(delta(0, 'Dur')), 'cut'),
    stream(line(END)),
    stream(line(END)),
  );
  const client = createHoldfastClient({ baseUrl: server.url, apiKey: 'holdfast_k' });
  const { token } = await client.streamToken(TASK);
  await collect(client.events(TASK));
  await collect(server.client.events(TASK, { accessToken: token }));
  const sent = server.requests.map(({ method, url, headers }) => [
    `${method} ${url}`,
    headers.authorization,
  ]);
  const feed = `GET /v1/tasks/${TASK}/events`;
  expect(sent).toEqual([
    [`POST /v1/tasks/${TASK}/stream-token`, 'Bearer holdfast_k'],
    [feed, 'Bearer holdfast_k'],
    [feed, 'Bearer holdfast_k'],
    [`${feed}?access_token=holdfast_stream_x`, undefined],
  ]);
  expect(server.requests[2]?.headers).toMatchObject({
    ...{ accept: 'text/event-stream', 'last-event-id': delta(0, 'Dur').id },
  });
});

it('reads the feed of a conversation on, over the ends of its tasks, until its reader leaves', async () => {
  const frames = ['conv_1:a', 'conv_1:b', 'conv_1:c'].map((id, index) => ({
    ...END,
    id,
    frame: { ...END.frame, task_id: `task_${index}` },
  }));
  const [first, second, third] = frames.map(line) as [string, string, string];
  await using server = await serve(stream(RETRY + first), stream(second + third, 'stay'));
  const read: FeedFrame[] = [];
  for await (const frame of server.client.conversationEvents('conv_1', { deltas: false })) {
    read.push(frame);
    if (read.length === 3) break;
  }
  expect(read).toEqual(frames);
  expect(server.requests.map(({ url, headers }) => [url, headers['last-event-id']])).toEqual([
    ['/v1/conversations/conv_1/events?deltas=false', undefined],
    ['/v1/conversations/conv_1/events?deltas=false', 'conv_1:a'],
  ]);
});

it('comes back to the feed of all tasks at the place where it began', async () => {
  const opened = { id: 'events:MA', frame: { type: 'feed.opened' } };
  await using server = await serve(stream(RETRY + line(opened), 'cut'), stream(line(END), 'stay'));
  const read: FeedFrame[] = [];
  for await (const frame of server.client.allEvents()) {
    read.push(frame);
    if (read.length === 2) break;
  }
  expect(read).toEqual([opened, END]);
  expect(server.requests.map(({ url, headers }) => [url, headers['last-event-id']])).toEqual([
    ['/v1/events', undefined],
    ['/v1/events', 'events:MA'],
  ]);
});
