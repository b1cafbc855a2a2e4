import {
  bigserial,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
} from 'drizzle-orm/pg-core';
import type { LogEvent } from '../contract/events.ts';
import type { Message, TaskInput } from '../contract/task.ts';
import type { Scope } from '../contract/scopes.ts';
import { instant, json } from './columns.ts';

/*
 * After a change: npm run migrations
 * New columns are nullable or have a default: rows of older versions stay, and `toTask` reads them.
 */

export const conversations = pgTable(
  'conversations',
  {
    id: text('id').primaryKey(),
    number: bigserial('number', { mode: 'number' }).notNull(),
    owner: text('owner').notNull(),
    title: text('title'),
    metadata: jsonb('metadata').$type<Record<string, string>>(),
    last_ordinal: integer('last_ordinal').notNull().default(0),
    created_at: instant('created_at').notNull(),
  },
  (t) => [index('conversations_list').on(t.owner, t.number)],
);

/** Ids that callers have chosen. They stay when their tasks are forgotten: no epoch comes twice, and no other owner gets one. */
export const chosenIds = pgTable('chosen_ids', {
  id: text('id').primaryKey(),
  owner: text('owner').notNull(),
  /** The newest. */
  epoch: integer('epoch').notNull(),
  /** `tasks.id` of that epoch, which may be forgotten. */
  task_id: text('task_id').notNull(),
});

/** A task's log in rows of about half a megabyte at most; a larger single event is a row by itself. */
export const taskSegments = pgTable(
  'task_segments',
  {
    task_id: text('task_id').notNull(),
    first_seq: integer('first_seq').notNull(),
    last_seq: integer('last_seq').notNull(),
    /** UTF-8 bytes of `events` as JSON. */
    bytes: integer('bytes').notNull(),
    events: json<LogEvent[]>('events').notNull(),
  },
  (t) => [primaryKey({ columns: [t.task_id, t.first_seq] })],
);

/** `position` is the place in the conversation, two for each turn; its key allows one user and one assistant message per task. */
export const messages = pgTable(
  'messages',
  {
    conversation_id: text('conversation_id').notNull(),
    position: integer('position').notNull(),
    id: text('id').notNull().unique(),
    task_id: text('task_id').notNull(),
    role: text('role').$type<Message['role']>().notNull(),
    ordinal: integer('ordinal').notNull(),
    content: json<TaskInput>('content').notNull(),
    partial: boolean('partial'),
    rolled_back: boolean('rolled_back'),
    created_at: instant('created_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.conversation_id, t.position] })],
);

/** Claims that delivered something: under the same id they deliver the same again, and nothing else. */
export const resultClaims = pgTable(
  'result_claims',
  {
    conversation_id: text('conversation_id').notNull(),
    claim_id: text('claim_id').notNull(),
    created_at: instant('created_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.conversation_id, t.claim_id] })],
);

export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    owner: text('owner').notNull(),
    key: text('key').notNull(),
    request_hash: text('request_hash').notNull(),
    task_id: text('task_id').notNull(),
    created_at: instant('created_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.owner, t.key] }), index('idempotency_keys_task').on(t.task_id)],
);

/** Of a key itself only its SHA-256 is stored. Rows stay when a key is revoked: a store that has one is never without keys again. */
export const apiKeys = pgTable('api_keys', {
  id: text('id').primaryKey(),
  hash: text('hash').notNull().unique(),
  token_secret: text('token_secret').notNull(),
  owner: text('owner').notNull(),
  scopes: json<Scope[]>('scopes').notNull(),
  created_at: instant('created_at').notNull(),
  revoked_at: instant('revoked_at'),
});
