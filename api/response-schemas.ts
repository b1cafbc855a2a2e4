import { z } from '@hono/zod-openapi';
import { FAILURE_CODES } from '../contract/failures.ts';
import { TASK_STATUSES, TASK_TYPES } from '../contract/task.ts';
import { ERROR_CODES } from './errors.ts';

/** What responses hold, for the API's description. Type tests prove them equal to the types in `contract/`. */

export const time = z.string().openapi({ format: 'date-time' });

const UsageSchema = z
  .object({ input_tokens: z.number(), output_tokens: z.number(), estimated: z.boolean() })
  .openapi('Usage');

const InputSchema = z.union([
  z.string(),
  z.array(z.object({ type: z.literal('text'), text: z.string() })),
]);

const ParentSchema = z
  .object({
    task_id: z.string(),
    run_id: z.string().optional(),
    call_id: z.string().optional(),
    agent_id: z.string().optional(),
  })
  .openapi('Parent');

const LiveSchema = z
  .object({
    step: z.number(),
    attempt: z.number(),
    phase: z.enum(['starting', 'model', 'tools', 'backoff', 'finishing']),
    tool: z.string().nullable(),
    text: z.string(),
    pending_approvals: z.array(z.string()),
    persistence_error: z.string().nullable(),
  })
  .openapi('Live');

export const TaskSchema = z
  .object({
    id: z.string(),
    object: z.literal('task'),
    type: z.enum(TASK_TYPES).openapi({
      description: '`tool_run`: one call of a tool, which an agent has put into the background.',
    }),
    agent: z.string(),
    name: z.string().nullable(),
    description: z.string().nullable(),
    status: z.enum(TASK_STATUSES),
    progress: z.number().openapi({
      description:
        'From 0 to 1: what a tool has told last by a custom event `progress` with `done` and `total`; 1 when COMPLETED.',
    }),
    failure: z.object({ code: z.enum(FAILURE_CODES), message: z.string() }).nullable(),
    input: InputSchema,
    output: z.union([z.object({ text: z.string() }), z.object({ value: z.unknown() })]).nullable(),
    partial_output: z.string().nullable(),
    conversation_id: z.string().nullable(),
    tool_call: z
      .object({ name: z.string(), arguments: z.unknown() })
      .optional()
      .openapi({ description: 'Of a `tool_run`: what it carries out.' }),
    parent: ParentSchema.optional(),
    metadata: z.record(z.string(), z.string()),
    epoch: z.number().openapi({ description: 'How often the id was given, from 1.' }),
    supports_resume: z.boolean(),
    created_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
    usage: UsageSchema,
    last_seq: z.number(),
    log_incomplete: z.literal(true).optional(),
    live: LiveSchema.nullable().openapi({
      description: 'What a RUNNING task is doing. Null in lists, and when no worker can tell.',
    }),
    workflow: z.object({ workflow_id: z.string(), run_id: z.string().nullable(), url: z.string() }),
  })
  .openapi('Task');

export const ReceiptSchema = z
  .object({
    task_id: z.string(),
    outcome: z.enum(['cancelled', 'cancelling', 'already_terminal']).openapi({
      description:
        'Of the task, and in the receipt of a whole tree of all of it: `already_terminal` where nothing ran.',
    }),
    status: z.enum(TASK_STATUSES),
    requested_at: time.nullable(),
    stopped_at: time.nullable(),
    stop_latency_ms: z.number().nullable(),
    last_seq: z.number(),
    partial_output: z.string().nullable(),
    usage: UsageSchema,
    get children() {
      return z.array(ReceiptSchema).openapi({
        description:
          'One for each task below, of any generation, that had not ended; oldest first.',
      });
    },
  })
  .openapi('Receipt');

/** What was taken into a task's log, and where it stands there. */
export const TakenSchema = z
  .object({
    task_id: z.string().openapi({
      description:
        'Whose log it stands in. Of a message for after the run: the task that was started.',
    }),
    seq: z.number().openapi({
      description:
        'The entry; of a task that was started, its `task.accepted`, which holds the input.',
    }),
  })
  .openapi('Taken');

export const ConversationSchema = z
  .object({
    id: z.string(),
    title: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    created_at: time,
  })
  .openapi('Conversation');

export const MessageSchema = z
  .object({
    id: z.string(),
    conversation_id: z.string(),
    task_id: z.string(),
    role: z.enum(['user', 'assistant']),
    ordinal: z.number(),
    content: InputSchema,
    partial: z.boolean(),
    rolled_back: z
      .boolean()
      .openapi({ description: 'Kept, but no longer part of the conversation.' }),
    created_at: time,
  })
  .openapi('Message');

export const AgentSchema = z
  .object({
    name: z.string(),
    description: z.string(),
    model: z.string(),
    tools: z.array(z.string()),
  })
  .openapi('Agent');

export const ErrorSchema = z
  .object({
    error: z.object({
      code: z.enum(ERROR_CODES),
      message: z.string(),
      request_id: z.string(),
      details: z
        .union([
          z.array(z.object({ path: z.string(), message: z.string() })),
          z.record(z.string(), z.unknown()),
        ])
        .optional(),
    }),
  })
  .openapi('Error');

export const LivenessSchema = z.object({ status: z.literal('ok') });

export const ReadinessSchema = z
  .object({
    status: z.enum(['ready', 'unavailable', 'shutting_down']),
    checks: z.record(z.string(), z.enum(['ok', 'unavailable'])),
  })
  .openapi('Readiness');

/** A page of a list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable() });
}
