import { z } from '@hono/zod-openapi';
import { RESERVED_NAMES } from '../contract/names.ts';
import { inputText } from '../contract/task.ts';
import { isChosenId } from '../contract/task-id.ts';
import { isClean } from '../contract/text.ts';
import { isConversationId } from './ids.ts';
import {
  ContinueFromSchema,
  DetachedSchema,
  OnBusySchema,
  refuseMisplaced,
} from './turn-schemas.ts';

/** What requests may hold. Unknown fields are refused; every text is well-formed and without U+0000. */

const MAX_INPUT_BYTES = 256 * 1024;
export const METADATA_KEY_LENGTH = 64;
export const METADATA_VALUE_LENGTH = 512;
const METADATA_KEYS = 16;
/** Of what a start says of its parent beside the id. */
const MAX_PARENT_LENGTH = 256;
/** Long enough for every id, name and page cursor that this service makes. */
export const MAX_FILTER_LENGTH = 1_000;

/** A text of so many UTF-16 units. */
export const text = (min: number, max: number) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine(isClean, { error: 'must be well-formed Unicode without U+0000' });

/** A whole number in a query. */
export const integer = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
    .default(fallback)
    .openapi({ type: 'integer', minimum: min, maximum: max, default: fallback });

/** A yes or no in a query. */
export const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false'])
    .default(fallback ? 'true' : 'false')
    .transform((value) => value === 'true')
    .openapi({ type: 'boolean', default: fallback });

const InputSchema = z
  .union(
    [
      text(1, MAX_INPUT_BYTES),
      z.array(z.strictObject({ type: z.literal('text'), text: text(1, MAX_INPUT_BYTES) })).min(1),
    ],
    { error: 'must be a text or a list of parts' },
  )
  .refine((input) => Buffer.byteLength(inputText(input)) <= MAX_INPUT_BYTES, {
    error: `must be at most ${MAX_INPUT_BYTES} bytes of UTF-8`,
  })
  .openapi({ description: 'A text, or a list of parts; at most 256 KiB.' });

export const MetadataSchema = z
  .record(text(1, METADATA_KEY_LENGTH), text(0, METADATA_VALUE_LENGTH))
  .refine((metadata) => Object.keys(metadata).length <= METADATA_KEYS, {
    error: `must have at most ${METADATA_KEYS} keys`,
  });

const ConversationIdSchema = z.string().refine(isConversationId, {
  error: 'must be conv_ and up to 64 letters, digits, - and _',
});

const ChosenIdSchema = z
  .string()
  .refine(isChosenId, {
    error:
      'must be 1 to 128 letters, digits, - and _, not events, and begin neither with task_ nor with conv_',
  })
  .openapi({
    pattern: '^(?!task_|conv_|events$)[A-Za-z0-9_-]{1,128}$',
    description:
      "The task's id, chosen by the caller; left out: one is made. It is the service's: 409 `task_exists` where its task has not ended, or is another owner's. Where its task has ended this one is the next `epoch`: the id means the newest one, and `<id>.e<n>` each of them.",
  });

const ParentSchema = z
  .strictObject({
    task_id: text(1, MAX_FILTER_LENGTH),
    run_id: text(1, MAX_PARENT_LENGTH).optional(),
    call_id: text(1, MAX_PARENT_LENGTH).optional(),
    agent_id: text(1, MAX_PARENT_LENGTH).optional(),
  })
  .openapi({
    description:
      "The task below which this one is started, which may have ended; run, tool call and agent are for the caller to say. A cancel of its tree reaches this task too. Without a conversation_id it belongs to its parent's conversation, as a detached task.",
  });

/** `POST /v1/tasks` */
export const StartTaskSchema = z
  .strictObject({
    input: InputSchema,
    id: ChosenIdSchema.optional(),
    agent: text(1, 64).optional(),
    model: z
      .string()
      .max(200)
      .regex(/^(demo|[a-z][a-z0-9-]*\/[\x21-\x7e]+)$/, 'must look like provider/id, or be demo')
      .optional()
      .openapi({ description: "Instead of the agent's own." }),
    instructions: text(1, 65_536)
      .optional()
      .openapi({ description: "Instead of the agent's own." }),
    conversation_id: ConversationIdSchema.optional(),
    name: text(1, 64)
      .optional()
      .openapi({
        description: `Unique among the tasks of the conversation that have not ended, and without one among the owner's: else 409 \`name_taken\`. Reserved: ${RESERVED_NAMES.join(', ')}.`,
      }),
    description: text(0, 1_024).optional(),
    metadata: MetadataSchema.optional(),
    parent: ParentSchema.optional(),
    on_busy: OnBusySchema.optional(),
    continue_from: ContinueFromSchema.optional(),
    detached: DetachedSchema.optional(),
    timeout_seconds: z.int().min(1).max(86_400).optional().openapi({
      description:
        'From when it begins; a wait for its turn does not count. Left out: `HOLDFAST_TASK_TIMEOUT_S`.',
    }),
    max_steps: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .openapi({ description: 'Left out: `HOLDFAST_MAX_STEPS`.' }),
  })
  .superRefine(refuseMisplaced)
  .openapi('StartTask');
export type StartTask = z.infer<typeof StartTaskSchema>;

export const IdempotencyHeadersSchema = z.object({
  'Idempotency-Key': z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters')
    .optional(),
});

/** An id in a path. Its shape is the handler's matter: an id that cannot exist is absent, not malformed. */
export const IdParamsSchema = z.object({ id: z.string() });

export const ORDERS = ['asc', 'desc'] as const;
export const page = {
  limit: integer(1, 100, 20),
  cursor: text(0, MAX_FILTER_LENGTH).optional(),
};

/** A page of a list that begins with the newest. */
export const PageQuerySchema = z.strictObject({ ...page, order: z.enum(ORDERS).default('desc') });
/** `GET /v1/tasks/{id}` */
export const TaskQuerySchema = z.strictObject({ conversation_id: z.string().optional() });

export const NoQuerySchema = z.strictObject({});
