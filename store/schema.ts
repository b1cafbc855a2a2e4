import { sql } from 'drizzle-orm';
import {
  bigserial,
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import type { LogEvent } from '../contract/events.ts';
import type { FailureCode } from '../contract/failures.ts';
import type {
  CancelRequest,
  Message,
  Parent,
  TaskInput,
  TaskLimits,
  TaskRecord,
  TaskStatus,
  TaskType,
  Usage,
} from '../contract/task.ts';
import type { Scope } from '../contract/scopes.ts';
import { instant, json } from './columns.ts';

/*
 * After a change: drizzle-kit generate --dialect postgresql --schema store/schema.ts --out store/migrations
 * New columns are nullable or have a default: rows of older versions stay, and `toTask` reads them.
 * `number` orders lists; it is assigned under the owner's lock (`lockOwner`), so numbers become visible in order.
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

export const tasks = pgTable(
  'tasks',
  {
    id: text('id').primaryKey(),
    number: bigserial('number', { mode: 'number' }).notNull(),
    owner: text('owner').notNull(),
    type: text('type').$type<TaskType>(),
    agent: text('agent').notNull(),
    model: text('model'),
    instructions: text('instructions'),
    name: text('name'),
    description: text('description'),
    status: text('status').$type<TaskStatus>().notNull(),
    progress: doublePrecision('progress'),
    failure_code: text('failure_code').$type<FailureCode>(),
    failure_message: text('failure_message'),
    input: json<TaskInput>('input').notNull(),
    output: json<TaskRecord['output']>('output'),
    partial_output: text('partial_output'),
    conversation_id: text('conversation_id'),
    ordinal: integer('ordinal'),
    turn: integer('turn'),
    queued: text('queued').$type<NonNullable<TaskRecord['queued']>>(),
    detached: boolean('detached'),
    continue_from: json<TaskRecord['continue_from']>('continue_from'),
    rolled_back: boolean('rolled_back'),
    claim_id: text('claim_id'),
    parent: json<Parent>('parent'),
    parent_task_id: text('parent_task_id'),
    /** The tasks above it, the root first. They stay here when one of those is forgotten. */
    ancestors: text('ancestors').array(),
    metadata: jsonb('metadata').$type<Record<string, string>>(),
    epoch: integer('epoch'),
    limits: json<Partial<TaskLimits>>('limits'),
    cancel_request: json<CancelRequest>('cancel_request'),
    /** Temporal has accepted the cancel. */
    cancel_sent_at: instant('cancel_sent_at'),
    /** A cancel of the task and of all below it: nothing is started there any more. */
    tree_cancel: json<CancelRequest>('tree_cancel'),
    /** Tasks below may not have a record of it yet. */
    tree_cancel_due: boolean('tree_cancel_due'),
    run_id: text('run_id'),
    usage: json<Partial<Usage>>('usage'),
    last_seq: integer('last_seq'),
    log_incomplete: boolean('log_incomplete'),
    created_at: instant('created_at').notNull(),
    /** A reconciler last took the task up to start it. */
    start_tried_at: instant('start_tried_at'),
    /** Temporal has accepted the start. */
    start_accepted_at: instant('start_accepted_at'),
    started_at: instant('started_at'),
    /** A reconciler last looked at the workflow. */
    checked_at: instant('checked_at'),
    finished_at: instant('finished_at'),
  },
  (t) => [
    index('tasks_list').on(t.owner, t.number),
    index('tasks_conversation').on(t.conversation_id, t.number),
    index('tasks_parent')
      .on(t.parent_task_id)
      .where(sql`${t.parent_task_id} is not null`),
    index('tasks_below')
      .using('gin', t.ancestors)
      .where(sql`${t.ancestors} is not null`),
    uniqueIndex('tasks_name')
      .on(t.owner, sql`coalesce(${t.conversation_id}, '')`, t.name)
      .where(sql`${t.name} is not null and ${t.status} in ('PENDING', 'RUNNING')`),
    index('tasks_pending')
      .on(t.created_at)
      .where(sql`${t.status} = 'PENDING'`),
    index('tasks_running')
      .on(t.checked_at)
      .where(sql`${t.status} = 'RUNNING'`),
    index('tasks_queued')
      .on(t.conversation_id, t.turn)
      .where(sql`${t.queued} is not null`),
    index('tasks_cancel_due')
      .on(t.number)
      .where(sql`${t.cancel_request} is not null and ${t.cancel_sent_at} is null`),
    index('tasks_tree_cancel_due')
      .on(t.number)
      .where(sql`${t.tree_cancel_due}`),
  ],
);

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
