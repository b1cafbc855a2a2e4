import { Readable } from 'node:stream';
import { freshFetch } from './fresh-fetch.ts';
import { startPlainServer, type PlainServer } from './plain-server.ts';

export interface CuttingProxyOptions {
  /** Where the feed is. */
  target: string;
  /** After so many frames a connection is cut in mid-stream. */
  framesPerConnection: number;
}

/** Stands between a reader and the feed, and cuts. Readers are told to come back after 1 ms instead of a second. */
export function startCuttingProxy(options: CuttingProxyOptions): Promise<PlainServer> {
  const { target, framesPerConnection } = options;
  return startPlainServer((request, response) => {
    const upstream = new AbortController();
    response.on('close', () => upstream.abort());

    async function pass(): Promise<void> {
      const { accept = '*/*', 'last-event-id': cursor } = request.headers;
      const answer = await freshFetch(target + request.url, {
        headers: {
          accept,
          ...(typeof cursor === 'string' ? { 'last-event-id': cursor } : {}),
        },
        signal: upstream.signal,
      });
      const type = answer.headers.get('content-type');
      response.writeHead(answer.status, type ? { 'content-type': type } : {});
      let frames = 0;
      for await (const block of blocksOf(answer)) {
        const isFrame = block.startsWith('id:');
        response.write(block.replace(/^retry: \d+/, 'retry: 1'));
        frames += isFrame ? 1 : 0;
        if (isFrame && frames === framesPerConnection) {
          response.write('', () => response.destroy());
          return;
        }
      }
      response.end();
    }
    pass().catch(() => response.destroy());
  });
}

/** The stream's blocks, each with the empty line at its end. */
async function* blocksOf({ body }: Response): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of body ? Readable.fromWeb(body).setEncoding('utf8') : []) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) yield `${block}\n\n`;
  }
}
