import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createPubsubClient } from '@restatedev/pubsub-client';

const { INGRESS_URL = '', PORT, PULL_INTERVAL_MS } = process.env;
const pubsub = createPubsubClient({
  url: INGRESS_URL,
  name: 'pubsub',
  ...(PULL_INTERVAL_MS && { pullInterval: { milliseconds: Number(PULL_INTERVAL_MS) } }),
});

/** `GET /pubsub/:topic?offset=N`, as https://docs.restate.dev/ai/patterns/streaming-responses has it for Next.js. */
const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://readers');
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const stream = pubsub.sse({
    topic: pathname.split('/').pop() ?? '',
    offset: Number(searchParams.get('offset') ?? 0),
    signal: gone.signal,
  });
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  await pipeline(Readable.fromWeb(stream), response).catch((error: unknown) => {
    if (!gone.signal.aborted) console.error(error);
  });
});
server.listen({ port: Number(PORT), host: '127.0.0.1', backlog: 2_048 });
await once(server, 'listening');
console.log('the server of the readers listens');
