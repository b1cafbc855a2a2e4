import { z } from 'zod';

/** The name that a new task is to have, as tools ask a model for it. */
export const childName = z
  .string()
  .min(1)
  .max(64)
  .optional()
  .describe('A name to address the task by while it runs. No other running task may have it.');
