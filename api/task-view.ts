import type { Conversation, Message, Parent, TaskRecord } from '../contract/task.ts';
import { publicId } from '../contract/task-id.ts';
import type { Task } from '../contract/wire.ts';
import type { LiveTask } from './ports.ts';

/** Where operators find a run in Temporal's Web UI. */
export interface WorkflowLinks {
  /** Base of the Web UI, without a slash at its end. */
  temporalUiUrl: string;
  namespace: string;
}

/** The record as callers see it. `live` is what a RUNNING task does now, where somebody could tell. */
export function taskView(
  record: TaskRecord,
  links: WorkflowLinks,
  live: LiveTask | null = null,
): Task {
  const current = record.status === 'RUNNING' ? live : null;
  return {
    id: publicId(record.id),
    object: 'task',
    type: record.type,
    agent: record.agent,
    name: record.name,
    description: record.description,
    status: record.status,
    progress: current?.progress ?? record.progress,
    failure: record.failure,
    input: record.input,
    output: record.output,
    partial_output: record.partial_output,
    conversation_id: record.conversation_id,
    ...(record.tool_call && { tool_call: record.tool_call }),
    ...(record.parent && { parent: parentView(record.parent) }),
    metadata: record.metadata,
    epoch: record.epoch,
    supports_resume: true,
    created_at: record.created_at,
    started_at: record.started_at,
    finished_at: record.finished_at,
    usage: current?.usage ?? record.usage,
    // The first entry is built from the row, and so is there before any is stored.
    last_seq: current?.lastSeq ?? Math.max(record.last_seq, 1),
    ...(record.log_incomplete && { log_incomplete: true as const }),
    live: current?.live ?? null,
    workflow: workflowView(record, links),
  };
}

function workflowView({ id, run_id }: TaskRecord, links: WorkflowLinks): Task['workflow'] {
  const namespace = encodeURIComponent(links.namespace);
  const workflow = `${links.temporalUiUrl}/namespaces/${namespace}/workflows/${id}`;
  return { workflow_id: id, run_id, url: run_id === null ? workflow : `${workflow}/${run_id}` };
}

/** The task above as callers see it. */
export function parentView(parent: Parent): Parent {
  return { ...parent, task_id: publicId(parent.task_id) };
}

/** The message as callers see it. */
export function messageView(message: Message): Message {
  return { ...message, task_id: publicId(message.task_id) };
}

/** The conversation as callers see it. */
export function conversationView({ owner: _, ...conversation }: Conversation) {
  return conversation;
}
