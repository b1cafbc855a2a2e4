import { NO_USAGE, type TaskRecord } from '../contract/task.ts';
import { takeEpochs } from './chosen-ids.ts';
import { joinConversations, lockOwner } from './conversations.ts';
import type { Database, Queries } from './database.ts';
import { StoreUnavailable } from './errors.ts';
import { lineUp, type Joining, type Place } from './line-up.ts';
import { insertMessages, type NewMessage } from './messages.ts';
import { checkParents } from './parent-checks.ts';
import { toTask } from './rows.ts';
import { idempotencyKeys } from './schema.ts';
import { checkStarts, type Check } from './start-checks.ts';
import type { Outcome, Start } from './starts.ts';
import type { Accepted } from './new-task.ts';
import { tasks } from './task-table.ts';
import type { TreeLimits } from './tree.ts';

/**
 * `Store.acceptTask` for starts of one owner, no two of which clash, in one transaction. An error that is no outage
 * concerns one of them: they are then tried in halves, until that one is alone with it.
 */
export async function acceptTasks(
  database: Database,
  starts: readonly Start[],
  limits: TreeLimits,
): Promise<Outcome[]> {
  try {
    return await database.transaction((tx) => acceptTogether(tx, starts, limits));
  } catch (error) {
    if (starts.length === 1 || error instanceof StoreUnavailable) {
      return starts.map(() => ({ status: 'rejected', reason: error }));
    }
    const half = Math.ceil(starts.length / 2);
    return [
      ...(await acceptTasks(database, starts.slice(0, half), limits)),
      ...(await acceptTasks(database, starts.slice(half), limits)),
    ];
  }
}

/** Writes only what is accepted, so that a refused start leaves nothing behind. */
async function acceptTogether(
  tx: Queries,
  starts: readonly Start[],
  limits: TreeLimits,
): Promise<Outcome[]> {
  const { owner } = starts[0]!.task;
  await lockOwner(tx, owner);
  const created_at = new Date().toISOString();
  const checks = await checkParents(tx, await checkStarts(tx, owner, starts), limits);
  const free = checks.filter(({ outcome }) => !outcome);
  await takeEpochs(
    tx,
    free.map(({ start }) => start),
  );
  const ordinals = await joinConversations(tx, { owner, created_at }, free.flatMap(conversationOf));
  const entries: Entry[] = [];
  for (const joining of free.flatMap((check) => joiningOf(check, ordinals))) {
    entries.push({ ...joining, ...(await lineUp(tx, joining)) });
  }
  const accepted = await insertTasks(tx, entries, created_at);
  await insertKeys(tx, entries, created_at);
  await insertInputs(
    tx,
    [...accepted.values()].map(({ task }) => task),
  );
  return checks.map(({ start, outcome }) => outcome ?? outcomeOf(accepted.get(start.task.id)));
}

function conversationOf({ start, conversationNumber }: Check) {
  const id = start.task.conversation_id;
  return id === null ? [] : [{ id, number: conversationNumber }];
}

/** A start that enters the record. */
type Entry = Joining & Place;

/** None where the conversation has become another owner's since it was checked. */
function joiningOf({ start, isBusy }: Check, ordinals: Map<string, number>): Joining[] {
  const { conversation_id } = start.task;
  const ordinal = conversation_id === null ? 0 : ordinals.get(conversation_id);
  return ordinal === undefined ? [] : [{ ...start, ordinal, isBusy }];
}

function outcomeOf(accepted: Accepted | undefined): Outcome {
  return { status: 'fulfilled', value: accepted ?? null };
}

/** The new tasks by id. They are numbered in the order of the entries. */
async function insertTasks(
  tx: Queries,
  entries: readonly Entry[],
  created_at: string,
): Promise<Map<string, Accepted>> {
  if (entries.length === 0) return new Map();
  const rows = entries.map(
    ({ task: { on_busy: _, ...task }, ordinal, turn, queued, ancestors, epoch }) => ({
      ...task,
      status: 'PENDING' as const,
      progress: 0,
      ordinal,
      turn,
      queued,
      parent_task_id: task.parent?.task_id ?? null,
      ancestors: ancestors ?? null,
      epoch: epoch ?? 1,
      usage: NO_USAGE,
      last_seq: 0,
      log_incomplete: false,
      created_at,
    }),
  );
  const inserted = await tx.insert(tasks).values(rows).returning();
  const interrupted = new Map(entries.map((entry) => [entry.task.id, entry.interrupted]));
  const acceptedOf = (row: (typeof inserted)[number]): Accepted => ({
    task: toTask(row),
    created: true,
    interrupted: interrupted.get(row.id) ?? [],
  });
  return new Map(inserted.map((row) => [row.id, acceptedOf(row)]));
}

async function insertKeys(
  tx: Queries,
  entries: readonly Entry[],
  created_at: string,
): Promise<void> {
  const rows = entries.flatMap(({ task: { id: task_id, owner }, key }) =>
    key ? [{ owner, key: key.key, request_hash: key.requestHash, task_id, created_at }] : [],
  );
  if (rows.length > 0) await tx.insert(idempotencyKeys).values(rows);
}

/** A task that takes a turn in its conversation begins with a message there. */
async function insertInputs(tx: Queries, accepted: readonly TaskRecord[]): Promise<void> {
  await insertMessages(tx, accepted.flatMap(inputOf));
}

function inputOf(task: TaskRecord): NewMessage[] {
  const { id: task_id, conversation_id, ordinal, turn, input: content, created_at } = task;
  if (conversation_id === null || task.detached) return [];
  const message = { conversation_id, task_id, ordinal, turn, content, created_at };
  return [{ ...message, role: 'user', partial: false, rolled_back: false }];
}
