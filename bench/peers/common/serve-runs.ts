import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';

/** What a peer does, behind the routes that its documentation leaves to the application. */
export interface Runs {
  start(model: string): Promise<string>;
  /** Behind the event with the id `after`; null: from the beginning. Ends with the stream. */
  read(runId: string, after: string | null): AsyncIterable<StreamEvent>;
  cancel(runId: string): Promise<void>;
  record(runId: string): Promise<{ status: string; text: string | null }>;
}

export interface StreamEvent {
  id: number;
  event?: string;
  data: unknown;
}

/** There is nothing left to be read. */
export class StreamGone extends Error {
  override name = 'StreamGone';
}

/**
 * Serves `POST /runs`, which starts a run and streams it, `GET /runs/:id/stream`, `POST /runs/:id/cancel` and `GET /runs/:id`
 * on 127.0.0.1 at `PORT`.
 */
export async function serveRuns(runs: Runs): Promise<void> {
  const server = createServer(async (request, response) => {
    const [, , runId, verb = ''] = (request.url ?? '').split('/');
    try {
      if (runId === undefined) {
        const { model } = (await json(request)) as { model: string };
        const started = await runs.start(model);
        beginStream(response.setHeader('location', `/runs/${started}`));
        await stream(runs.read(started, null), response);
      } else if (verb === 'stream') {
        const after = request.headers['last-event-id']?.toString() ?? null;
        await stream(runs.read(runId, after), response);
      } else {
        const answer = verb === 'cancel' ? await runs.cancel(runId) : await runs.record(runId);
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answer ?? {}));
      }
    } catch (error) {
      if (response.headersSent) response.destroy();
      else response.writeHead(error instanceof StreamGone ? 410 : 500).end(String(error));
    }
  });
  server.listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 2_048 });
  await once(server, 'listening');
  console.log('the server listens');
}

function beginStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.flushHeaders();
}

async function stream(events: AsyncIterable<StreamEvent>, response: ServerResponse): Promise<void> {
  for await (const { id, event, data } of events) {
    if (response.destroyed) return;
    if (!response.headersSent) beginStream(response);
    const name = event === undefined ? '' : `event: ${event}\n`;
    if (!response.write(`id: ${id}\n${name}data: ${JSON.stringify(data)}\n\n`)) {
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
  }
  if (!response.headersSent) beginStream(response);
  response.end();
}
