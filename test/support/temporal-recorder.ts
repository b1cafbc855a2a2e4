import { once } from 'node:events';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Identity } from './certificates.ts';

/** One call as it arrived. */
export interface RecordedCall {
  /** `StartWorkflowExecution`, … */
  method: string;
  authorization: string | undefined;
  namespace: string | undefined;
}

/** Stands where Temporal would be, and notes what is sent along. Answers every call with an empty message. */
export interface TemporalRecorder extends AsyncDisposable {
  readonly port: number;
  readonly calls: readonly RecordedCall[];
}

/** An empty message, as gRPC frames it: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const EMPTY_MESSAGE = Buffer.alloc(5);

export async function startTemporalRecorder(identity: Identity): Promise<TemporalRecorder> {
  const calls: RecordedCall[] = [];
  const server = createSecureServer(identity);
  server.on('stream', (stream, headers) => {
    const method = String(headers[':path']).split('/').at(-1) ?? '';
    const namespace = headers['temporal-namespace'];
    calls.push({ method, authorization: headers.authorization, namespace: namespace?.toString() });
    stream.on('error', () => {});
    // A poll finds nothing until it is given up.
    if (!method.startsWith('Poll')) answer(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    calls,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(EMPTY_MESSAGE);
}
