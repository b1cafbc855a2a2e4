import type { Hub } from '../../../api/feed/hub.ts';
import {
  lastSeq,
  takeDelta,
  takeEntries,
  takePartial,
  watchTask,
  type WatchedTask,
} from '../../../api/feed/watched-task.ts';
import type { LogEvent } from '../../../contract/events.ts';
import type { Partial } from '../../../contract/frames.ts';
import type { TaskRecord } from '../../../contract/task.ts';
import type { DeltaMessage, Dice, RandomRun } from './random-run.ts';

/** An API process that watches a run through sources that are late, lossy and out of order. */
export interface RandomProcess {
  readonly task: WatchedTask;
  /** The hub, as far as `resume` looks at it. */
  readonly hub: Hub;
  /** A message was published: it is lost, or will come some time, perhaps twice. */
  send(message: DeltaMessage): void;
  /** One of the sources says something. */
  hear(): void;
  /** All sources have said everything, in any order. */
  catchUp(): void;
}

export function createRandomProcess(run: RandomRun, dice: Dice): RandomProcess {
  const accepted = run.log[0] as LogEvent;
  const task = watchTask(run.taskId, [accepted]);
  const underWay: DeltaMessage[] = [];
  const lossy = dice();
  // A description that was read, and is taken in later than what the log has said meanwhile.
  let described: Partial | null = null;

  /** Some entries are known already, or stand behind a hole, where two answers cross. */
  const readLog = (through = run.log.length, from = lastSeq(task)) => {
    takeEntries(task, structuredClone(run.log.slice(Math.max(from, 0), through)));
  };

  function hearRelay(): void {
    if (underWay.length === 0) return;
    // Mostly in order, as the port says; but late ones come late.
    const index = dice() < 0.7 ? 0 : dice.below(underWay.length);
    const { seq, piece } = underWay[index] as DeltaMessage;
    if (dice() < 0.85) underWay.splice(index, 1);
    takeDelta(task, seq, piece);
  }

  function hear(): void {
    const luck = dice();
    if (luck < 0.6) hearRelay();
    else if (luck < 0.7) described = run.heartbeat();
    else if (luck < 0.8 && described) takePartial(task, described);
    else if (luck < 0.85) readLog();
    else if (luck < 0.9) readLog(lastSeq(task) + dice.below(3), lastSeq(task) + 2 - dice.below(5));
  }

  const hub: Pick<Hub, 'task' | 'ready' | 'record' | 'readEnd'> = {
    task,
    record: () => ({ id: run.taskId, log_incomplete: false }) as TaskRecord,
    ready: Promise.resolve(),
    async readEnd() {
      if (dice() < 0.2) return false;
      readLog();
      return true;
    },
  };
  return {
    task,
    hub: hub as Hub,
    send(message) {
      if (dice() > lossy) underWay.push(message);
    },
    hear,
    catchUp() {
      const heartbeat = run.heartbeat();
      if (dice() < 0.5) readLog();
      if (heartbeat) takePartial(task, heartbeat);
      readLog();
    },
  };
}
