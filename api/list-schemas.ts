import { z } from '@hono/zod-openapi';
import { FAILURE_CODES } from '../contract/failures.ts';
import { TASK_STATUSES, TASK_TYPES } from '../contract/task.ts';
import { isClean } from '../contract/text.ts';
import {
  MAX_FILTER_LENGTH,
  METADATA_KEY_LENGTH,
  METADATA_VALUE_LENGTH,
  PageQuerySchema,
  text,
} from './schemas.ts';

const METADATA_FILTER = 'metadata.';

/** A time within the years that every part of the system can write down, as RFC 3339 UTC with milliseconds. */
const time = z.iso
  .datetime({ offset: true, error: 'must be an RFC 3339 time' })
  .refine((value) => /^[1-9]\d{3}-/.test(utc(value)), { error: 'must be an RFC 3339 time' })
  .transform(utc)
  .openapi({ type: 'string', format: 'date-time' });

function utc(value: string): string {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

const filterText = text(0, MAX_FILTER_LENGTH).optional();
const StatusSchema = z.enum(TASK_STATUSES);

const taskFilters = {
  ...PageQuerySchema.shape,
  status: z.union([StatusSchema, z.array(StatusSchema)]).optional(),
  failure: z.enum(FAILURE_CODES).optional(),
  type: z.enum(TASK_TYPES).optional(),
  agent: filterText,
  conversation_id: filterText,
  parent_task_id: filterText,
  name: filterText,
  created_after: time.optional(),
  created_before: time.optional(),
};

/** `GET /v1/tasks`; the filters by metadata are free fields `metadata.<key>`. */
export const ListTasksQuerySchema = z
  .object(taskFilters)
  .catchall(text(0, METADATA_VALUE_LENGTH))
  .superRefine((query, context) => {
    const unknown = Object.keys(query).filter(
      (name) => !Object.hasOwn(taskFilters, name) && metadataKey(name) === null,
    );
    if (unknown.length > 0) context.addIssue({ code: 'unrecognized_keys', keys: unknown });
  });
export type ListTasksQuery = z.infer<typeof ListTasksQuerySchema>;

/** The key of a filter `metadata.<key>`, or null where the name is no such filter. */
export function metadataKey(name: string): string | null {
  const key = name.startsWith(METADATA_FILTER) ? name.slice(METADATA_FILTER.length) : '';
  return key.length >= 1 && key.length <= METADATA_KEY_LENGTH && isClean(key) ? key : null;
}
