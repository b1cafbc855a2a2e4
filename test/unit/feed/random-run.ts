import type { EventData, EventType, LogEvent } from '../../../contract/events.ts';
import type { Partial } from '../../../contract/frames.ts';
import { interruptedTurn } from '../../../contract/interrupted-turn.ts';
import { NO_USAGE } from '../../../contract/task.ts';
import { appendText, spokenLength, textOf, type Block } from '../../../contract/text.ts';
import type { RelayMessage } from '../../../relay/relay.ts';

export type DeltaMessage = Extract<RelayMessage, { kind: 'delta' }>;

/** What chance decides: a number below 1, a whole number below `n`, one of a list. */
export interface Dice {
  (): number;
  below(n: number): number;
  one<T>(list: readonly T[]): T;
}

export function createDice(random: () => number): Dice {
  const below = (n: number) => Math.floor(random() * n);
  return Object.assign(() => random(), {
    below,
    one: <T>(list: readonly T[]) => list[below(list.length)] as T,
  });
}

/** Pieces as models say them: of one unit, of many, with surrogate pairs and with characters of several code points. */
const PIECES = ['a', 'bc', ' ', '\n', 'é', '😀', '👩‍👩‍👧', 'durable ', 'execution', '𝒳y'];

/** One run as it truly happens, moved on step by step at random. */
export interface RandomRun {
  readonly taskId: string;
  readonly log: LogEvent[];
  /** Everything that an attempt has ever said, by `step.attempt`; what it said after it was given up too. */
  readonly spoken: ReadonlyMap<string, Block[]>;
  /** The last heartbeat of the attempt under way, or null where none is known to Temporal. */
  heartbeat(): Partial | null;
  /** The attempt under way heartbeats. */
  beat(): void;
  /** Something happens. Gives what is published on the relay. */
  goOn(): DeltaMessage[];
  hasEnded(): boolean;
}

export function createRandomRun(dice: Dice, maxSteps = 4): RandomRun {
  const taskId = `task_${'0'.repeat(32)}`;
  const log: LogEvent[] = [];
  const spoken = new Map<string, Block[]>();
  /** Attempts that were given up and do not know it: they go on talking. */
  const zombies: Partial[] = [];
  let live: Partial | null = null;
  let beaten: Partial | null = null;
  let step = 0;
  let attempt = 0;
  let phase: 'begun' | 'between' | 'backoff' | 'speaking' | 'sealed' | 'ended' = 'begun';

  function append<T extends EventType>(type: T, data: EventData[T]): void {
    const seq = log.length + 1;
    log.push({ type, task_id: taskId, seq, at: `t${seq}`, data } as LogEvent);
  }

  function startAttempt(): void {
    attempt += 1;
    live = { seq: log.length, step, attempt, blocks: [], usage: NO_USAGE };
    beaten = structuredClone(live);
    spoken.set(`${step}.${attempt}`, live.blocks);
    phase = 'speaking';
  }

  function speak(speaker: Partial): DeltaMessage[] {
    const kind = dice() < 0.25 ? 'reasoning' : 'text';
    const offset = spokenLength(speaker.blocks);
    const text = Array.from({ length: 1 + dice.below(4) }, () => dice.one(PIECES)).join('');
    appendText(speaker.blocks, kind, text);
    const block = speaker.blocks.length - 1;
    const piece = {
      step: speaker.step,
      attempt: speaker.attempt,
      block,
      kind,
      offset,
      text,
    } as const;
    return [{ kind: 'delta', seq: speaker.seq, piece }];
  }

  /** What the workflow learns of an attempt that ended: all, or what its last heartbeat carried, or nothing. */
  function remains(speaker: Partial): Partial | null {
    const luck = dice();
    if (luck < 0.4) return structuredClone(speaker);
    zombies.push(speaker);
    return luck < 0.8 ? beaten : null;
  }

  function failAttempt(speaker: Partial): void {
    const blocks = structuredClone(remains(speaker)?.blocks ?? []);
    append('turn.attempt_failed', { step, attempt, blocks, reason: 'chance', usage: NO_USAGE });
    live = null;
    phase = 'backoff';
  }

  function interrupt(partial: Partial | null): void {
    const left = interruptedTurn(log, structuredClone(partial));
    if (left) append('turn.interrupted', left);
    live = null;
    phase = 'sealed';
  }

  function endStep(speaker: Partial, last: boolean): void {
    const blocks = structuredClone(speaker.blocks);
    const type = last ? 'turn.final_answer' : 'turn.thinking';
    append(type, { step, attempt, blocks, text: textOf(blocks), usage: NO_USAGE });
    live = null;
    phase = last ? 'sealed' : 'between';
    for (let call = last ? 0 : dice.below(3); call > 0; call -= 1) {
      const call_id = `c${call}`;
      append('turn.tool_call', { step, call_id, name: 'tool', arguments: {} });
      append('turn.tool_result', { step, call_id, output: 'done', is_error: false });
    }
  }

  /** Something enters the log that is no part of what the run itself does. */
  function sayFromOutside(luck: number): void {
    if (dice() < 0.5) append('task.message', { from: null, text: `${luck}` });
    else append('task.custom', { event_type: 'x', payload: luck, publisher: 't' });
  }

  function goOnSpeaking(speaker: Partial): DeltaMessage[] {
    const luck = dice();
    if (luck < 0.72) return speak(speaker);
    if (luck < 0.82) beaten = structuredClone(speaker);
    else if (luck < 0.86) sayFromOutside(luck);
    else if (luck < 0.92) failAttempt(speaker);
    else if (luck < 0.94) interrupt(remains(speaker));
    else endStep(speaker, step >= maxSteps || dice() < 0.4);
    return [];
  }

  function end(): void {
    const failure = { code: 'internal', message: 'chance' } as const;
    const texts = { usage: NO_USAGE, text_length: 0, text_sha256: '' };
    append('task.failed', { failure, error: 'chance', partial_output: null, ...texts });
    phase = 'ended';
  }

  function goOn(): DeltaMessage[] {
    if (zombies.length > 0 && dice() < 0.2) return speak(dice.one(zombies));
    if ((phase === 'between' || phase === 'backoff') && dice() < 0.1) sayFromOutside(0);
    switch (phase) {
      case 'begun':
        append('task.started', {});
        phase = 'between';
        return [];
      case 'between':
        step += 1;
        attempt = 0;
        append('turn.started', { step });
        startAttempt();
        return [];
      case 'backoff':
        if (dice() < 0.1) interrupt(null);
        else if (dice() < 0.7) startAttempt();
        return [];
      case 'speaking':
        return live ? goOnSpeaking(live) : [];
      case 'sealed':
        end();
        return [];
      case 'ended':
        return [];
    }
  }

  const input = { agent: 'default', name: null, input: 'go', conversation_id: null };
  append('task.accepted', { type: 'agent_run', ...input });
  return {
    taskId,
    log,
    spoken,
    heartbeat: () => (live ? structuredClone(beaten) : null),
    beat: () => void (beaten = structuredClone(live)),
    goOn,
    hasEnded: () => phase === 'ended',
  };
}
