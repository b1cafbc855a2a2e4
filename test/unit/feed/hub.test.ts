import { describe, expect, it } from 'vitest';
import { openHub, type Hub } from '../../../api/feed/hub.ts';
import { createTaskReader } from '../../../api/feed/task-reader.ts';
import { hasEnded } from '../../../api/feed/watched-task.ts';
import { START } from '../../../contract/cursor.ts';
import type { LogEvent } from '../../../contract/events.ts';
import type { EventsPage } from '../../../contract/run-messages.ts';
import { NO_USAGE, type TaskRecord } from '../../../contract/task.ts';
import { createInProcessRelay } from '../../../relay/in-process.ts';
import type { RunClient, RunDescription } from '../../../runs/run-client.ts';
import type { Store } from '../../../store/store.ts';
import {
  ACCEPTED,
  answered,
  CUSTOM,
  FAILED,
  logOf,
  STARTED,
  stepStarted,
  TASK_ID,
  text,
} from './events.ts';

/** What a hub can ask. A test puts in what it is told. */
interface World {
  record: Partial<TaskRecord> | null;
  archive: LogEvent[];
  run: Pick<RunDescription, 'status' | 'runId'>;
  query(after: number): Promise<EventsPage>;
}

const RUNNING: Partial<TaskRecord> = {
  ...{ id: TASK_ID, status: 'RUNNING', log_incomplete: false, last_seq: 0 },
  ...{ type: 'agent_run', agent: 'default', name: null, input: 'go', conversation_id: null },
};

function openOn(world: World): Promise<Hub> {
  const store = {
    getTask: async () => world.record,
    readLog: async (_: string, after: number) => ({
      events: world.archive.filter(({ seq }) => seq > after),
      end: true,
    }),
  } as unknown as Store;
  const runs = {
    query: (_: string, { after }: { after: number }) => world.query(after),
    describe: async () => ({
      ...{ closedAs: null, historyLength: 1, workflowTaskPending: false },
      ...{ partial: null, persistenceError: null, ...world.run },
    }),
  } as unknown as RunClient;
  const deps = { store, runs, relay: createInProcessRelay(), pulse: { heardAt: -Infinity } };
  return openHub(deps, world.record as TaskRecord);
}

const pageOf = (runId: string, log: readonly LogEvent[], after: number): EventsPage => ({
  ...{ runId, events: log.slice(after), firstSeq: 2, lastSeq: log.length, terminal: false },
  state: { step: 1, attempt: 1, phase: 'model', tool: null, usage: NO_USAGE },
});

/** A hub whose questions to the workflow wait until they fail. */
async function openUnanswered() {
  let asked = 0;
  const failing = Promise.withResolvers<never>();
  const hub = await openOn({
    ...{ record: RUNNING, archive: [], run: { status: 'open', runId: 'a' } },
    query: () => ((asked += 1), failing.promise),
  });
  return { hub, fail: () => failing.reject(new Error('no worker')), asked: () => asked };
}

describe('a hub', () => {
  it('asks once for all who want the end of the log while nobody answers', async () => {
    const { hub, fail, asked } = await openUnanswered();
    const wanted = Array.from({ length: 20 }, () => hub.readEnd());
    fail();
    expect(await Promise.all(wanted)).toEqual(wanted.map(() => false));
    expect(asked()).toBe(2);
    await hub[Symbol.asyncDispose]();
  });

  it('is closed without the questions that still wait', async () => {
    const { hub, fail, asked } = await openUnanswered();
    const wanted = hub.readEnd();
    const closed = hub[Symbol.asyncDispose]();
    fail();
    await closed;
    expect(await wanted).toBe(false);
    expect(asked()).toBe(1);
  });

  it('C18 has the archive’s log where the run was reset and has ended before anybody here saw that', async () => {
    const begun = logOf(ACCEPTED, STARTED, stepStarted(), CUSTOM);
    const archive = logOf(ACCEPTED, STARTED, stepStarted(), answered(1, text('Yes')), FAILED);
    const world: World = {
      ...{ record: RUNNING, archive: [], run: { status: 'open', runId: 'a' } },
      query: async (after) => pageOf('a', begun, after),
    };
    const hub = await openOn(world);
    await hub.ready;
    expect(hub.task.log.slice(1)).toEqual(begun.slice(1));
    Object.assign(world, { archive, run: { status: 'closed', runId: 'b' } });
    world.record = { ...RUNNING, status: 'FAILED', last_seq: 5 };
    world.query = () => Promise.reject(new Error('the run has closed'));
    await hub.readEnd();
    expect(hub.task.log).toEqual(archive);
    expect(hub.task.generation).toBe(1);
    await hub[Symbol.asyncDispose]();
  });

  it('ends its readers’ streams where the task was forgotten before its end was heard of', async () => {
    const begun = logOf(ACCEPTED, STARTED);
    const world: World = {
      ...{ record: RUNNING, archive: [], run: { status: 'open', runId: 'a' } },
      query: async (after) => pageOf('a', begun, after),
    };
    const hub = await openOn(world);
    await hub.ready;
    const start = { ...START, deltas: true, following: false };
    const reader = createTaskReader({ hub, start, deltas: true, view: () => null });
    expect(reader.take()).toHaveLength(2);
    expect(reader.take()).toEqual([]);
    world.record = null;
    await hub.readEnd();
    expect(reader.take()).toBeNull();
    expect(hasEnded(hub.task)).toBe(false);
    await hub[Symbol.asyncDispose]();
  });
});
