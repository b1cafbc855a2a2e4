import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';

interface RecordedHistory {
  workflowId: string;
  events: RecordedEvent[];
}

interface RecordedEvent {
  eventId: string;
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  activityTaskCompletedEventAttributes?: { result: { payloads: { data: string }[] } };
}

const FOLDER = path.resolve(import.meta.dirname, '../replay');
/** By version and kind, as `scripts/record-histories.ts` left them. */
const FILES = globSync('*/*.json', { cwd: FOLDER }).sort();

function read(file: string): RecordedHistory {
  return JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as RecordedHistory;
}

function replay({ workflowId, ...history }: RecordedHistory): Promise<void> {
  const workflowBundle = { codePath: inject('workflowBundlePath') };
  const sinks = { feed: { logGrew: { fn: () => undefined, callDuringReplay: false } } };
  return Worker.runReplayHistory({ workflowBundle, sinks }, history, workflowId);
}

beforeAll(() => {
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  const logger = new DefaultLogger('ERROR');
  Runtime.install({ shutdownSignals: [], logger, telemetryOptions: { logging: { filter } } });
});

describe('recorded histories', () => {
  it.each(FILES)('P5 replay on the current code: %s', (file) => replay(read(file)));

  it.each(['tool-call', 'retried', 'failed', 'timed-out', 'cancelled', 'continued'])(
    'hold a run of every kind: %s',
    (kind) => {
      expect(FILES.some((file) => path.basename(file).startsWith(`${kind}-`))).toBe(true);
    },
  );
});

describe('a history that the current code would not have made', () => {
  const file = FILES.find((name) => name.endsWith('tool-call-1.json')) ?? '';

  it('P5 is refused where another activity ran', async () => {
    const history = read(file);
    const scheduled = history.events.findLast(
      (event) => event.activityTaskScheduledEventAttributes?.activityType.name === 'callModel',
    );
    scheduled!.activityTaskScheduledEventAttributes!.activityType.name = 'runTool';
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });

  it('P5 is refused where what it was told would have led the run elsewhere', async () => {
    const history = read(file);
    const begun = history.events.find((event) => event.activityTaskCompletedEventAttributes);
    const [payload] = begun!.activityTaskCompletedEventAttributes!.result.payloads;
    const result = JSON.parse(Buffer.from(payload!.data, 'base64').toString()) as {
      plan: { maxSteps: number };
    };
    result.plan.maxSteps = 1;
    payload!.data = Buffer.from(JSON.stringify(result)).toString('base64');
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });
});
