import type { Context } from '@temporalio/activity';
import type { LogEvent } from '../contract/events.ts';
import { EVENTS_QUERY, type EventsPage, type EventsRequest } from '../contract/run-messages.ts';
import type { Store } from '../store/store.ts';
import type { HeldLogs } from './held-logs.ts';
import type { LogSoFar } from './types.ts';

/** Bytes of JSON that one query answers with: well below the 2 MB that a payload may hold. */
const PAGE_BYTES = 512 * 1024;
/** Deadline of reading a run's log, in milliseconds. */
const READ_MS = 10_000;

/** A part of a run's log: what its workflow run holds, from `firstSeq` on. What comes before is in the store. */
export interface LogPart {
  firstSeq: number;
  events: LogEvent[];
}

/**
 * Reads the entries up to `through` that the activity's own workflow run has appended: from this worker's memory, else by
 * query. The log never travels through history a second time.
 */
export async function readOwnLog(
  context: Context,
  logs: HeldLogs,
  { through, digest }: Omit<LogSoFar, 'taskId'>,
): Promise<LogPart> {
  const execution = context.info.workflowExecution;
  if (!execution) throw new Error('not an activity of a workflow');
  const held = logs.read(execution.runId, digest);
  if (held?.[0]) return { firstSeq: held[0].seq, events: held };
  const { client } = context;
  const handle = client.workflow.getHandle(execution.workflowId, execution.runId);
  const ask = (request: EventsRequest) =>
    handle.query<EventsPage, [EventsRequest]>(EVENTS_QUERY, request);
  return client.withDeadline(Date.now() + READ_MS, () => queryLog(ask, through));
}

/** Reads what a workflow run holds of its log, up to `through` or to its end. */
export async function queryLog(
  ask: (request: EventsRequest) => Promise<EventsPage>,
  through = Infinity,
): Promise<LogPart> {
  const { firstSeq, lastSeq } = await ask({ after: 0, maxBytes: 0 });
  const end = Math.min(through, lastSeq);
  const events: LogEvent[] = [];
  for (let after = firstSeq - 1; after < end; after = events.at(-1)?.seq ?? end) {
    const page = await ask({ after, maxBytes: PAGE_BYTES });
    if (page.events.length === 0) throw new Error(`log ends at ${after}, expected ${end}`);
    events.push(...page.events.filter((event) => event.seq <= end));
  }
  return { firstSeq, events };
}

/** The whole log of the activity's run from entry 2 up to `through`: what the store holds of it, then the rest. */
export async function readRunLog(
  context: Context,
  { store, logs }: { store: Store; logs: HeldLogs },
  log: LogSoFar,
): Promise<LogEvent[]> {
  const { firstSeq, events } = await readOwnLog(context, logs, log);
  const runId = context.info.workflowExecution?.runId ?? '';
  let past = logs.readPast(runId);
  if (!past) {
    past = await readStored(store, log.taskId, firstSeq - 1);
    logs.keepPast(runId, past);
  }
  return [...past, ...events];
}

/** From entry 2 up to `through`, which is stored. */
async function readStored(store: Store, taskId: string, through: number): Promise<LogEvent[]> {
  const stored: LogEvent[] = [];
  for (let after = 1; after < through; after = stored.at(-1)?.seq ?? after) {
    const { events } = await store.readLog(taskId, after, PAGE_BYTES);
    if (events.length === 0) throw new Error(`stored log ends at ${after}, expected ${through}`);
    stored.push(...events.filter((event) => event.seq <= through));
  }
  return stored;
}
