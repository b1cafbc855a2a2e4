import { sql } from 'drizzle-orm';
import { NO_USAGE, type TaskRecord } from '../contract/task.ts';
import { joinConversation, lockConversation, lockOwner } from './conversations.ts';
import type { Queries } from './database.ts';
import { isDuplicate } from './errors.ts';
import { insertMessages } from './messages.ts';
import { only, toTask } from './rows.ts';
import { idempotencyKeys, TASK_NAME_INDEX, tasks } from './schema.ts';
import { StoreRefusal, type IdempotencyKey, type NewTask } from './store.ts';
import { getTask } from './tasks.ts';

/** `Store.acceptTask`. The owner's lock comes first: what follows is alone among the owner's starts. */
export async function acceptTask(
  tx: Queries,
  task: NewTask,
  key?: IdempotencyKey,
): Promise<{ task: TaskRecord; created: boolean } | null> {
  const { owner, conversation_id } = task;
  const created_at = new Date().toISOString();
  await lockOwner(tx, owner);
  if (conversation_id !== null) {
    const conversation = await lockConversation(tx, { id: conversation_id, owner, created_at });
    if (conversation.owner !== owner) return null;
  }
  const known = key && (await taskOfKey(tx, key, { ...task, created_at }));
  if (known) return { task: known, created: false };
  const ordinal = conversation_id === null ? 0 : await joinConversation(tx, conversation_id);
  const accepted = await insertTask(tx, task, { ordinal, created_at });
  if (conversation_id !== null) await insertInput(tx, accepted, conversation_id);
  return { task: accepted, created: true };
}

/**
 * The task that the key stands for already; else null, and the key now stands for `task`. The update that changes
 * nothing makes the statement return the row of whoever came first.
 */
async function taskOfKey(
  tx: Queries,
  { key, requestHash }: IdempotencyKey,
  task: { id: string; owner: string; created_at: string },
): Promise<TaskRecord | null> {
  const { id: task_id, owner, created_at } = task;
  const rows = await tx
    .insert(idempotencyKeys)
    .values({ owner, key, request_hash: requestHash, task_id, created_at })
    .onConflictDoUpdate({
      target: [idempotencyKeys.owner, idempotencyKeys.key],
      set: { key: sql`excluded.key` },
    })
    .returning();
  const row = only(rows);
  if (row.request_hash !== requestHash) {
    throw new StoreRefusal('idempotency_key_reused', 'the key was used for another request');
  }
  return getTask(tx, row.task_id);
}

async function insertTask(
  tx: Queries,
  task: NewTask,
  { ordinal, created_at }: { ordinal: number; created_at: string },
): Promise<TaskRecord> {
  const row = {
    ...task,
    status: 'PENDING' as const,
    progress: 0,
    ordinal,
    parent_task_id: task.parent?.task_id ?? null,
    epoch: 1,
    usage: NO_USAGE,
    last_seq: 0,
    log_incomplete: false,
    created_at,
  };
  try {
    return toTask(only(await tx.insert(tasks).values(row).returning()));
  } catch (error) {
    if (!isDuplicate(error, TASK_NAME_INDEX)) throw error;
    throw new StoreRefusal('name_taken', `a task named ${task.name} has not ended`);
  }
}

async function insertInput(tx: Queries, task: TaskRecord, conversation_id: string): Promise<void> {
  const said = {
    conversation_id,
    task_id: task.id,
    role: 'user' as const,
    ordinal: task.ordinal,
    content: task.input,
    partial: false,
    created_at: task.created_at,
  };
  await insertMessages(tx, [said]);
}
