import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { Call } from './model-calls.ts';
import {
  cutIntoPieces,
  DEFAULT_USAGE,
  type Refusal,
  type ScriptedCall,
  type ScriptStep,
  type Turn,
  type WireUsage,
} from './model-script.ts';

/** Answers one request as OpenAI's chat completions do, in a stream. Ends early where the client goes away. */
export async function play(turn: Turn, call: Call, response: ServerResponse): Promise<void> {
  const refusal = turn.find((step) => 'status' in step);
  if (refusal) return refuse(response, refusal);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  const stage: Stage = { call, response, toolCalls: 0, usage: DEFAULT_USAGE };
  for (const step of turn) {
    await playStep(step, stage);
    if (response.destroyed) return;
  }
  const reason = stage.finish ?? (stage.toolCalls > 0 ? 'tool_calls' : 'stop');
  writeChunk(stage, { choices: [{ index: 0, delta: {}, finish_reason: reason }] });
  if (stage.usage) writeChunk(stage, { choices: [], usage: stage.usage });
  response.end('data: [DONE]\n\n');
}

/** Refuses a request before any stream. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  const { status, retryAfter, body } = refusal;
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
  });
  response.end(JSON.stringify(body ?? { error: { message: `scripted ${status}` } }));
}

interface Stage {
  call: Call;
  response: ServerResponse;
  toolCalls: number;
  finish?: string;
  usage: WireUsage | null;
}

async function playStep(step: ScriptStep, stage: Stage): Promise<void> {
  const { response } = stage;
  if ('say' in step) return sayPieces(stage, 'content', { text: step.say, ...step });
  if ('reason' in step)
    return sayPieces(stage, 'reasoning_content', { text: step.reason, ...step });
  if ('gate' in step) return Promise.race([step.gate.pass(), closed(response)]);
  if ('stall' in step) return closed(response);
  if ('cut' in step) return cut(stage);
  if ('call' in step) sayCall(stage, step.call);
  if ('malformed' in step) response.write(`data: ${step.malformed}\n\n`);
  if ('usage' in step) stage.usage = step.usage;
  if ('finish' in step) stage.finish = step.finish;
}

async function sayPieces(
  stage: Stage,
  field: 'content' | 'reasoning_content',
  { text, pieces, everyMs }: { text: string; pieces?: number; everyMs?: number },
): Promise<void> {
  for (const piece of cutIntoPieces(text, pieces)) {
    if (everyMs !== undefined) await setTimeout(everyMs);
    if (stage.response.destroyed) return;
    if (field === 'content') stage.call.sent += piece;
    writeDelta(stage, { [field]: piece });
  }
}

function sayCall(stage: Stage, { id, name, arguments: value }: ScriptedCall): void {
  const index = stage.toolCalls;
  stage.toolCalls += 1;
  const [first = '', second = ''] = cutIntoPieces(
    typeof value === 'string' ? value : JSON.stringify(value),
    2,
  );
  writeDelta(stage, {
    tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }],
  });
  for (const piece of [first, second]) {
    writeDelta(stage, { tool_calls: [{ index, function: { arguments: piece } }] });
  }
}

function writeDelta(stage: Stage, delta: object): void {
  writeChunk(stage, { choices: [{ index: 0, delta, finish_reason: null }] });
}

/** Lone surrogates go out as JSON escapes, so half a character survives the wire. */
function writeChunk({ call, response }: Stage, fields: object): void {
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 0 };
  const chunk = { ...head, model: call.request?.body.model, ...fields };
  response.write(`data: ${JSON.stringify(chunk)}\n\n`);
}

async function closed(response: ServerResponse): Promise<void> {
  if (!response.destroyed) await once(response, 'close');
}

/** What was written before still arrives; the end of the chunked body never does. */
async function cut({ call, response }: Stage): Promise<void> {
  call.cut = true;
  response.socket?.end();
  await closed(response);
}
