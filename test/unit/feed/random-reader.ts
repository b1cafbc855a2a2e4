import { nextFrames, type Position } from '../../../api/feed/next-frames.ts';
import { readCursor, resume } from '../../../api/feed/resume.ts';
import { lastSeq } from '../../../api/feed/watched-task.ts';
import { START } from '../../../contract/cursor.ts';
import { isStepEntry, type LogEvent, type StepEntry } from '../../../contract/events.ts';
import { spokenLength } from '../../../contract/text.ts';
import type { ReceivedFrame } from '../../support/feed-reader.ts';
import {
  checkScreen,
  copyOf,
  isEntry,
  NOTHING_HELD,
  type Held,
} from '../../support/reader-promise.ts';
import type { Dice, RandomRun } from './random-run.ts';
import type { RandomProcess } from './random-process.ts';

/** A reader that is cut off and comes back at random, and holds the feed to its promise at every frame. */
export interface RandomReader {
  readonly held: Held;
  /** Takes what the process has, or, where the connection is cut, the first part of it. */
  read(): Promise<void>;
  /** Takes everything there is. */
  readAll(): void;
}

export function createRandomReader(
  run: RandomRun,
  processes: readonly RandomProcess[],
  dice: Dice,
): RandomReader {
  const past: Held[] = [];
  let held: Held = { ...NOTHING_HELD, screen: copyOf(NOTHING_HELD.screen) };
  let process = dice.one(processes);
  let position: Position = { ...START, deltas: true, following: false };
  /** The step that the reader has seen open over this connection: its entry must change nothing. */
  let openStep: number | null = null;

  function check(received: ReceivedFrame): void {
    const { frame, id } = received;
    if (isEntry(frame)) {
      if (frame.seq !== held.seq + 1) throw new Error(`entry ${frame.seq} after ${held.seq}`);
      const truth = JSON.stringify(run.log[frame.seq - 1]);
      if (received.raw !== truth) throw new Error(`entry ${received.raw} is not ${truth}`);
      if (isStepEntry(frame) && openStep === frame.data.step) checkUnchanged(frame);
    }
    held.screen.show(received);
    held = { ...held, id, seq: isEntry(frame) ? frame.seq : held.seq };
    checkScreen(held.screen, run.spoken);
    if (!isEntry(frame)) checkId(received);
  }

  function checkUnchanged({ data }: StepEntry): void {
    const shown = held.screen.steps.get(data.step);
    const same = JSON.stringify(shown?.blocks ?? []) === JSON.stringify(data.blocks);
    if (!same) throw new Error(`the entry of step ${data.step} changes the screen of a reader`);
  }

  /** A text's id says how much of which attempt the reader has, behind which entry. */
  function checkId({ id, frame }: ReceivedFrame): void {
    if (!('step' in frame) || frame.step === undefined) throw new Error('a snapshot');
    const shown = held.screen.steps.get(frame.step);
    const length = spokenLength(shown?.blocks ?? []);
    const expected = `${run.taskId}:${held.seq}.${frame.attempt}.${length}`;
    if (id !== expected) throw new Error(`id ${id}, expected ${expected}`);
  }

  function receive(count: number): { all: boolean } {
    const frames = nextFrames(process.task, position);
    for (const { id, data } of frames.slice(0, count)) {
      check({ id, raw: data, frame: JSON.parse(data) as ReceivedFrame['frame'] });
      past.push({ ...held, screen: copyOf(held.screen) });
    }
    const open = openStepOf(run.log.slice(0, held.seq));
    const all = frames.length <= count;
    openStep = all && held.seq === lastSeq(process.task) ? open : openStep;
    if (open === null) openStep = null;
    return { all };
  }

  /** Comes back with the id of the last frame, or of an older one and what was on the screen then. */
  async function comeBack(): Promise<void> {
    const earlier = dice() < 0.3 && past.length > 0 ? dice.one(past) : held;
    held = { ...earlier, screen: copyOf(earlier.screen) };
    process = dice.one(processes);
    openStep = null;
    const found = await resume(process.hub, readCursor(run.taskId, held.id), {
      status: 'RUNNING',
      deltas: true,
    });
    if (typeof found === 'object') position = found;
    else if (found === 'snapshot' || held.seq !== run.log.length) throw new Error(`found ${found}`);
  }

  return {
    get held() {
      return held;
    },
    async read() {
      const { all } = receive(dice() < 0.8 ? Infinity : dice.below(4));
      if (!all || dice() < 0.1) await comeBack();
    },
    readAll() {
      for (let seq = -1; seq !== held.seq;) {
        seq = held.seq;
        receive(Infinity);
      }
    },
  };
}

function openStepOf(log: readonly LogEvent[]): number | null {
  const last = log.findLast((event) => event.type === 'turn.started' || isStepEntry(event));
  return last?.type === 'turn.started' ? last.data.step : null;
}
