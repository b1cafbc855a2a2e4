import type { z } from '@hono/zod-openapi';
import { ErrorSchema } from '../response-schemas.ts';

/** A JSON response or body in the API's description. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

/** What every route may answer instead. */
export const ERRORS = { default: json(ErrorSchema, 'An error; `code` says which.') };
