import { and, eq, exists, inArray, sql, type SQL } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { isTerminal } from '../contract/task.ts';
import { isChosenId } from '../contract/task-id.ts';
import { idTaken, inNextEpoch } from './chosen-ids.ts';
import type { Queries } from './database.ts';
import { toTask } from './rows.ts';
import { chosenIds, conversations, idempotencyKeys } from './schema.ts';
import type { Outcome, Start } from './starts.ts';
import type { Accepted, NewTask } from './new-task.ts';
import { StoreRefusal } from './refusal.ts';
import { tasks } from './task-table.ts';
import { ACTIVE } from './tasks.ts';
import { takesTurns } from './turns.ts';

/** What the record has to say to a start. */
export interface Check {
  /** With the epoch that it would be, where its id was chosen. */
  start: Start;
  /** Null where the start may be accepted. Otherwise nothing is to be stored for it. */
  outcome: Outcome | null;
  /** A task has its turn in the conversation. */
  isBusy: boolean;
  /** For the conversation, where nobody has it: drawn in the order of the starts. */
  conversationNumber: number | null;
}

/**
 * Checks starts of one owner in one statement. Under the owner's lock nobody takes what was found free: keys, names and
 * conversations are the owner's. But a conversation that nobody had may be made by another owner meanwhile.
 */
export async function checkStarts(
  tx: Queries,
  owner: string,
  starts: readonly Start[],
): Promise<Check[]> {
  if (starts.every(claimsNothing)) {
    return starts.map((start) => ({
      start,
      outcome: null,
      isBusy: false,
      conversationNumber: null,
    }));
  }
  const found = await find(tx, owner, starts);
  return starts.map((start, place) => {
    const row = found[place]!;
    const { isBusy, conversationNumber, newestEpoch } = row;
    const outcome = foregone(start, row);
    return { start: inNextEpoch(start, newestEpoch), outcome, isBusy, conversationNumber };
  });
}

function claimsNothing({ task, key }: Start): boolean {
  const { id, conversation_id, name, continue_from } = task;
  const isNamed = conversation_id !== null || name !== null || isChosenId(id);
  return !isNamed && !continue_from && !key;
}

/** The outcome that is certain already. Where several things stand in the way, the first one counts. */
function foregone({ task, key }: Start, found: Found): Outcome | null {
  const { conversationOwner, known } = found;
  if (conversationOwner !== null && conversationOwner !== task.owner) return fulfilled(null);
  if (known && found.requestHash !== key?.requestHash) {
    return refused('idempotency_key_reused', 'the key was used for another request');
  }
  if (known) return fulfilled({ task: toTask(known), created: false, interrupted: [] });
  return refusedId(task, found) ?? refusedSource(task, found) ?? refusedPlace(task, found);
}

/** An id that was chosen is free where nobody has had it, and for its owner again where its newest task is over. */
function refusedId({ owner }: NewTask, { idOwner, newestStatus }: Found): Outcome | null {
  const isFree = idOwner === null || idOwner === owner;
  const isOver = newestStatus === null || isTerminal(newestStatus);
  return isFree && isOver ? null : { status: 'rejected', reason: idTaken() };
}

/** What a task goes on from must be there, and must have ended. */
function refusedSource({ continue_from }: NewTask, { sourceStatus }: Found): Outcome | null {
  if (!continue_from) return null;
  if (sourceStatus === null) return refused('task_not_found', 'There is no such task.');
  return isTerminal(sourceStatus)
    ? null
    : refused('task_not_terminal', 'the task of continue_from has not ended');
}

function refusedPlace({ name, detached, on_busy }: NewTask, found: Found): Outcome | null {
  if (found.isBusy && on_busy === 'reject' && !detached) {
    return refused(
      'conversation_busy',
      'the conversation has a task that has not ended; another on_busy than reject waits for it or stops it',
    );
  }
  return found.isNameTaken ? refused('name_taken', `a task named ${name} has not ended`) : null;
}

function fulfilled(value: Accepted | null): Outcome {
  return { status: 'fulfilled', value };
}

function refused(code: StoreRefusal['code'], message: string): Outcome {
  return { status: 'rejected', reason: new StoreRefusal(code, message) };
}

type Found = Awaited<ReturnType<typeof find>>[number];

/** The columns of `askedBy`. */
const asked = {
  place: sql`asked.place`,
  conversationId: sql`asked.conversation_id`,
  name: sql`asked.name`,
  sourceId: sql`asked.source_id`,
  key: sql`asked.key`,
  id: sql`asked.id`,
};
const active = alias(tasks, 'active');
const source = alias(tasks, 'source');
const newest = alias(tasks, 'newest');

/** What each start found, in their order. */
async function find(tx: Queries, owner: string, starts: readonly Start[]) {
  const someActive = (which: SQL | undefined) => {
    const found = tx.select({ id: active.id }).from(active);
    return exists(found.where(and(inArray(active.status, ACTIVE), which))).mapWith(Boolean);
  };
  return tx
    .select({
      conversationOwner: conversations.owner,
      // A number to both drivers, which a bigint is not.
      conversationNumber: sql<number | null>`case
        when ${asked.conversationId} is not null and ${conversations.id} is null
        then nextval(pg_get_serial_sequence('conversations', 'number'))::float8 end`,
      isBusy: someActive(and(eq(active.conversation_id, asked.conversationId), takesTurns(active))),
      isNameTaken: someActive(hasName(owner)),
      requestHash: idempotencyKeys.request_hash,
      known: tasks,
      sourceStatus: source.status,
      idOwner: chosenIds.owner,
      newestEpoch: chosenIds.epoch,
      newestStatus: newest.status,
    })
    .from(askedBy(starts))
    .leftJoin(conversations, eq(conversations.id, asked.conversationId))
    .leftJoin(
      idempotencyKeys,
      and(eq(idempotencyKeys.owner, owner), eq(idempotencyKeys.key, asked.key)),
    )
    .leftJoin(tasks, eq(tasks.id, idempotencyKeys.task_id))
    .leftJoin(source, and(eq(source.id, asked.sourceId), eq(source.owner, owner)))
    .leftJoin(chosenIds, eq(chosenIds.id, asked.id))
    .leftJoin(newest, eq(newest.id, chosenIds.task_id))
    .orderBy(asked.place);
}

/** In the words of the index that keeps names unique. */
function hasName(owner: string): SQL | undefined {
  return and(
    eq(active.owner, owner),
    sql`coalesce(${active.conversation_id}, '') = coalesce(${asked.conversationId}, '')`,
    eq(active.name, asked.name),
  );
}

/** One row for each start. */
function askedBy(starts: readonly Start[]): SQL {
  const rows = starts.map(({ task, key }, place) => {
    const { id, conversation_id, name, continue_from } = task;
    const texts = [conversation_id, name, key?.key ?? null, continue_from?.task_id ?? null, id];
    return sql`(${place}::int, ${sql.join(
      texts.map((text) => sql`${text}::text`),
      sql`, `,
    )})`;
  });
  return sql`(values ${sql.join(rows, sql`, `)}) as asked (place, conversation_id, name, key, source_id, id)`;
}
