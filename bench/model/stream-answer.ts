import type { ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { ModelSpec } from '../model-spec.ts';
import { writeToken } from '../token.ts';
import type { ModelCall } from './call-log.ts';
import { firstChunk, lastChunks, tokenFrame, type ChatAnswer } from './chat.ts';

/** One call of the scripted model, and what it is to say. */
export interface Speech {
  spec: ModelSpec;
  call: ModelCall;
  answer: ChatAnswer;
  /** Behind its tokens the answer does not end. */
  fallsSilent: boolean;
  includeUsage: boolean;
}

/**
 * Streams an answer. Token n is due `(n + 1) × intervalMs` after the request, however late the ones before were. A client that
 * takes nothing does not hold up the clock: what is written for it waits in its socket, with the time when it was written.
 */
export async function streamAnswer(speech: Speech, response: ServerResponse): Promise<void> {
  const { answer, includeUsage, spec, fallsSilent } = speech;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(firstChunk(answer));
  await (spec.intervalMs > 0 ? sayByTheClock(speech, response) : sayAtOnce(speech, response));
  if (!fallsSilent && !response.destroyed) response.end(lastChunks(answer, includeUsage));
}

function sayByTheClock(speech: Speech, response: ServerResponse): Promise<void> {
  const { intervalMs } = speech.spec;
  const say = createSayer(speech, response);
  const startedAt = performance.now();
  const { promise, resolve } = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout;
  const sayDue = () => {
    const { call, answer } = speech;
    const elapsedMs = performance.now() - startedAt;
    while (call.tokens < answer.tokens && elapsedMs >= (call.tokens + 1) * intervalMs) {
      call.lateMs = Math.max(call.lateMs, elapsedMs - (call.tokens + 1) * intervalMs);
      say();
    }
    if (call.tokens >= answer.tokens) resolve();
    else timer = setTimeout(sayDue, Math.ceil((call.tokens + 1) * intervalMs - elapsedMs));
  };
  sayDue();
  response.once('close', () => {
    clearTimeout(timer);
    resolve();
  });
  return promise;
}

/** As fast as the client takes it. */
function sayAtOnce(speech: Speech, response: ServerResponse): Promise<void> {
  const { call, answer } = speech;
  const say = createSayer(speech, response);
  const { promise, resolve } = Promise.withResolvers<void>();
  const pump = () => {
    while (call.tokens < answer.tokens) if (!say()) return;
    resolve();
  };
  const { socket } = response;
  socket?.on('drain', pump);
  response.once('close', resolve);
  pump();
  return promise.finally(() => socket?.off('drain', pump));
}

/** Says the next token. It goes onto the socket as one chunk of the body, ready made: `response.write` makes three writes of it. */
function createSayer({ spec, call, answer }: Speech, response: ServerResponse): () => boolean {
  const [ahead, behind] = tokenFrame(answer);
  const size = (ahead.length + spec.tokenLength + behind.length).toString(16);
  return () => {
    const sentAt = process.hrtime.bigint();
    const token = writeToken({ step: call.step, number: call.tokens, sentAt }, spec.tokenLength);
    call.firstTokenAt ??= String(sentAt);
    call.tokens += 1;
    const chunk = `${size}\r\n${ahead}${token}${behind}\r\n`;
    return response.socket?.write(chunk, 'latin1') ?? false;
  };
}
