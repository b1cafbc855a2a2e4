import { NO_USAGE, type Conversation, type Message, type TaskRecord } from '../contract/task.ts';
import type { conversations, messages } from './schema.ts';
import type { tasks } from './task-table.ts';

/** The task of a row. Columns that an older version did not fill have the value that its tasks had in effect. */
export function toTask(row: typeof tasks.$inferSelect): TaskRecord {
  return {
    id: row.id,
    owner: row.owner,
    type: row.type ?? 'agent_run',
    agent: row.agent,
    model: row.model,
    instructions: row.instructions,
    name: row.name,
    description: row.description,
    status: row.status,
    progress: row.progress ?? (row.status === 'COMPLETED' ? 1 : 0),
    failure: row.failure_code && { code: row.failure_code, message: row.failure_message ?? '' },
    input: row.input,
    output: row.output,
    partial_output: row.partial_output,
    conversation_id: row.conversation_id,
    ordinal: row.ordinal ?? 0,
    turn: row.turn ?? row.ordinal ?? 0,
    queued: row.queued,
    detached: row.detached ?? false,
    continue_from: row.continue_from,
    rolled_back: row.rolled_back ?? false,
    parent: row.parent,
    ancestors: row.ancestors ?? [],
    tool_call: row.tool_call,
    metadata: row.metadata ?? {},
    epoch: row.epoch ?? 1,
    limits: { timeout_seconds: null, max_steps: null, ...row.limits },
    cancel_request: row.cancel_request,
    run_id: row.run_id,
    usage: { ...NO_USAGE, ...row.usage },
    last_seq: row.last_seq ?? 0,
    log_incomplete: row.log_incomplete ?? false,
    created_at: row.created_at,
    started_at: row.started_at,
    finished_at: row.finished_at,
  };
}

export function toMessage(row: typeof messages.$inferSelect): Message {
  const { id, conversation_id, task_id, role, ordinal, content, created_at } = row;
  return {
    id,
    conversation_id,
    task_id,
    role,
    ordinal,
    content,
    partial: row.partial ?? false,
    rolled_back: row.rolled_back ?? false,
    created_at,
  };
}

export function toConversation(row: typeof conversations.$inferSelect): Conversation {
  const { id, owner, title, created_at } = row;
  return { id, owner, title, metadata: row.metadata ?? {}, created_at };
}

/** The row of a statement that gives exactly one. */
export function only<T>(rows: readonly T[]): T {
  const [row] = rows;
  if (row === undefined || rows.length > 1) throw new Error(`one row expected, not ${rows.length}`);
  return row;
}
