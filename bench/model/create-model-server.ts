import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchLoopDelay, type LoopDelay } from '../loop-delay.ts';
import { parseModelName } from '../model-spec.ts';
import { STAMP_LENGTH, writeToken } from '../token.ts';
import { createCallLog, type CallLog } from './call-log.ts';
import { wholeAnswer, type ChatRequest } from './chat.ts';
import { streamAnswer, type Speech } from './stream-answer.ts';

interface Model {
  calls: CallLog;
  loopDelay: LoopDelay;
}

/** A server that does what the name of the model asks for. `/calls` tells and forgets what became of the calls, `/loop-delay` how busy it is. */
export function createModelServer(): Server {
  const model = { calls: createCallLog(), loopDelay: watchLoopDelay() };
  return createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    handle(model, request, response).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  });
}

async function handle(model: Model, request: IncomingMessage, response: ServerResponse) {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://model');
  switch (`${request.method} ${pathname}`) {
    case 'POST /v1/chat/completions':
      return answer(model, (await json(request)) as ChatRequest, response);
    case 'GET /calls':
      return respond(response, 200, model.calls.list(searchParams.get('key')));
    case 'DELETE /calls':
      model.calls.clear();
      return respond(response, 200, {});
    case 'GET /loop-delay':
      return respond(response, 200, model.loopDelay.read());
    default:
      return respond(response, 404, { error: { message: 'no such path' } });
  }
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function answer(model: Model, request: ChatRequest, response: ServerResponse): Promise<void> {
  const speech = createSpeech(model, request);
  if (speech === null) {
    const message = `the name of the model is no order: ${request.model}`;
    return respond(response, 400, { error: { message } });
  }
  const { call } = speech;
  response.once('close', () => {
    call.closedAt = String(process.hrtime.bigint());
    call.closedBy = response.writableFinished ? 'server' : 'client';
  });
  await (request.stream ? streamAnswer(speech, response) : answerWhole(speech, response));
}

/** A step's number follows from the tools' results in the prompt, so that a repeated call says the same. */
function createSpeech(model: Model, request: ChatRequest): Speech | null {
  const spec = parseModelName(request.model);
  if (!spec || spec.tokenLength < STAMP_LENGTH) return null;
  const step = 1 + request.messages.filter(({ role }) => role === 'tool').length;
  const isLast = step >= spec.steps;
  const fallsSilent = isLast && spec.silentAfter > 0;
  return {
    spec,
    call: model.calls.arrive(spec.key, step),
    answer: {
      id: `${spec.key}-${step}`,
      model: request.model,
      callsTool: !isLast,
      tokens: fallsSilent ? spec.silentAfter : spec.tokens,
    },
    fallsSilent,
    includeUsage: request.stream_options?.include_usage === true,
  };
}

async function answerWhole({ spec, call, answer, fallsSilent }: Speech, response: ServerResponse) {
  if (fallsSilent) return;
  await sleep(answer.tokens * spec.intervalMs);
  const sentAt = process.hrtime.bigint();
  call.firstTokenAt = String(sentAt);
  call.tokens = answer.tokens;
  const tokens = Array.from({ length: answer.tokens }, (_, number) =>
    writeToken({ step: call.step, number, sentAt }, spec.tokenLength),
  );
  response.setHeader('content-type', 'application/json');
  response.end(wholeAnswer(answer, tokens.join('')));
}
