import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter } from '@temporalio/common';
import { expect } from 'vitest';
import type { StartRequest } from '../../client/requests.ts';
import { isPartial } from '../../contract/frames.ts';
import { textOf } from '../../contract/text.ts';
import type { Receipt } from '../../contract/wire.ts';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import { eventually, within } from '../support/within.ts';
import { keepReading, type KeptReader } from './kept-reader.ts';
import type { RunService } from './service.ts';
import type { Seeded } from './text.ts';

/** A run that was accepted, with a reader that has been there from the start. */
export interface Run {
  readonly taskId: string;
  readonly conversationId: string;
  readonly request: StartRequest;
  readonly idempotencyKey: string;
  /** Key of its script at the model server. */
  readonly key: string;
  /** The script's answer: what the run must say in the end, or a prefix of it where it ends early. */
  readonly answer: string;
  readonly reader: KeptReader;
  /** When an answer to its cancel had said `cancelled`, in milliseconds since 1970. */
  cancelledAt?: number;
}

export interface Script {
  answer: string;
  turns: Turn[];
  /** Left out: the service's default one. */
  agent?: string;
}

/** Starts a run in a conversation of its own. */
export async function startRun({ client, model }: RunService, script: Script): Promise<Run> {
  const key = randomBytes(8).toString('hex');
  const conversationId = `conv_${key}`;
  model.script(key, script.turns);
  const { agent, answer } = script;
  const request: StartRequest = {
    ...(agent && { agent }),
    input: `Question ${key}`,
    model: `openai-compatible/${key}`,
    conversation_id: conversationId,
  };
  const { id: taskId } = await client.start(request, { idempotencyKey: key });
  const reader = keepReading(client, taskId);
  return { taskId, conversationId, request, idempotencyKey: key, key, answer, reader };
}

export function startRuns(service: RunService, scripts: Script[]): Promise<Run[]> {
  return Promise.all(scripts.map((script) => startRun(service, script)));
}

export async function untilEnded(runs: readonly Run[]): Promise<void> {
  await Promise.all(runs.map(({ reader }) => reader.ended));
}

/** Cancels a run, and notes when that was acknowledged. */
export async function cancelRun(
  { client }: RunService,
  run: Run,
  waitMs: number,
): Promise<Receipt> {
  const receipt = await client.cancel(run.taskId, { reason: 'a test', wait_ms: waitMs });
  if (receipt.outcome === 'cancelled') run.cancelledAt = Date.now();
  return receipt;
}

/** An answer in whose middle the model waits. What comes after that is the first half's end, or a whole answer again. */
export interface PausedAnswer extends Script {
  /** What the model says before it waits. */
  readonly said: string;
  readonly pause: Gate;
}

/** The model waits within its answer, after a step with a tool by chance; a further attempt says it as a whole. */
export function pausedAnswer(seed: Seeded, { withTool = seed.below(2) === 1 } = {}): PausedAnswer {
  const [first, second] = [seed.text(8 + seed.below(20)), seed.text(8 + seed.below(20))];
  const answer = first + second;
  const pause = gate();
  const whole: Turn = [{ say: answer, pieces: 1 + seed.below(40) }];
  const paused: Turn = [
    ...(seed.below(2) ? [{ reason: seed.text(5), pieces: 3 }] : []),
    { say: first, pieces: 1 + seed.below(20) },
    { gate: pause },
    { say: second, pieces: 1 + seed.below(20) },
  ];
  const turns = [...(withTool ? [toolTurn(seed)] : []), paused, whole, whole];
  return { answer, turns, said: first, pause };
}

/** A step that calls a tool, with something said before. */
export function toolTurn(seed: Seeded): Turn {
  const expression = `${seed.below(100)} * ${seed.below(100)}`;
  return [
    { say: seed.text(3), pieces: 2 },
    { call: { id: 'call_1', name: 'calculator', arguments: { expression } } },
  ];
}

/** Starts runs, and waits until each is paused within its answer and its reader has all of it so far. */
export async function startPaused(service: RunService, scripts: PausedAnswer[]): Promise<Run[]> {
  const runs = await startRuns(service, scripts);
  const paused = scripts.map(async ({ pause, said }, n) => {
    await within(pause.reached, () => 'the model to pause');
    await runs[n]?.reader.untilText(said);
  });
  await Promise.all(paused);
  return runs;
}

/** Waits until Temporal holds all that the readers have: from then on no kill takes it back. */
export async function untilHeartbeat(
  { operator }: RunService,
  runs: readonly Run[],
): Promise<void> {
  const holds = async ({ taskId, reader }: Run) => {
    const { raw } = await operator.workflow.getHandle(taskId).describe();
    const payload = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads?.[0];
    const details: unknown = payload && defaultPayloadConverter.fromPayload(payload);
    return isPartial(details) && textOf(details.blocks) === reader.transcript.text();
  };
  await Promise.all(runs.map((run) => eventually(() => holds(run), 'the heartbeat')));
}

interface CallSummary {
  arrivedAt: number;
  closedAt?: number;
  closedBy?: 'client' | 'server';
  sent: string;
}

/** The model server's record of a run's calls, in their order. */
export async function callsOf({ model }: RunService, run: Run): Promise<CallSummary[]> {
  const response = await fetch(new URL('/calls', model.url));
  const { calls } = (await response.json()) as { calls: Record<string, CallSummary[]> };
  return calls[run.key] ?? [];
}

/** Proves that the newest call of each run is under way, then hits, then proves that the hit cut each of them off. */
export async function hitInFlight(
  service: RunService,
  runs: readonly Run[],
  hit: () => Promise<unknown>,
): Promise<void> {
  const before = await Promise.all(runs.map((run) => callsOf(service, run)));
  for (const calls of before) expect(calls.at(-1)).not.toHaveProperty('closedAt');
  const hitAt = Date.now();
  await hit();
  for (const [n, run] of runs.entries()) {
    const call = before[n]?.length ?? 0;
    const closing = within(service.model.closed(run.key, call), () => 'the call to be cut off');
    expect(await closing).toBe('client');
    expect(await service.model.closedAt(run.key, call)).toBeGreaterThanOrEqual(hitAt);
  }
  console.log(`${runs.length} model calls were under way, and were cut off`);
}
