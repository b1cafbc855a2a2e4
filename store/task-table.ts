import { sql } from 'drizzle-orm';
import {
  bigserial,
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import type { FailureCode } from '../contract/failures.ts';
import type {
  CancelRequest,
  Parent,
  TaskInput,
  TaskLimits,
  TaskRecord,
  TaskStatus,
  TaskType,
  Usage,
} from '../contract/task.ts';
import { instant, json } from './columns.ts';

/** `number` orders lists; it is assigned under the owner's lock (`lockOwner`), so numbers become visible in order. */
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
    /** Of a `tool_run`: what it carries out. */
    tool_call: json<NonNullable<TaskRecord['tool_call']>>('tool_call'),
    parent: json<Parent>('parent'),
    parent_task_id: text('parent_task_id'),
    /** The tasks above it, the root first. They stay here when one of those is forgotten. */
    ancestors: text('ancestors').array(),
    /** The parent's run was told of the end, or cannot be told any more. */
    parent_told_at: instant('parent_told_at'),
    /** The parent's run has read the end: it is no result for its conversation. */
    taken_at: instant('taken_at'),
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
    index('tasks_active')
      .on(t.conversation_id)
      .where(sql`${t.status} in ('PENDING', 'RUNNING')`),
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
    index('tasks_parent_due')
      .on(t.number)
      .where(
        sql`${t.parent_task_id} is not null and ${t.finished_at} is not null and ${t.parent_told_at} is null`,
      ),
    index('tasks_tree_cancel_due')
      .on(t.number)
      .where(sql`${t.tree_cancel_due}`),
  ],
);
