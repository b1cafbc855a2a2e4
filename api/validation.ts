import type { z } from '@hono/zod-openapi';
import { ApiError } from './errors.ts';

type Issue = z.core.$ZodIssue;
type Detail = { path: string; message: string };

/** What a route does with the result of its validation: a failure is a 400 that names each field. */
export function refuseInvalid(result: { success: boolean; error?: unknown }): void {
  if (result.success) return;
  const { issues } = result.error as z.core.$ZodError;
  throw new ApiError(
    'invalid_request',
    'The request is not valid.',
    issues.flatMap((issue) => detailsOf(issue)),
  );
}

function detailsOf(issue: Issue, parents: PropertyKey[] = []): Detail[] {
  const path = [...parents, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key].join('.'),
      message: 'is not a field of this request',
    }));
  }
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find((branch) => branch.some(isInside));
    if (meant) return meant.flatMap((inner) => detailsOf(inner, path));
  }
  if (issue.code === 'invalid_key')
    return issue.issues.map(({ message }) => ({ path: path.join('.'), message }));
  return [{ path: path.join('.'), message: issue.message }];
}

/** Whether a branch of a union was meant: its fault lies deeper than the kind of value. */
function isInside({ path, code }: Issue): boolean {
  return path.length > 0 || code !== 'invalid_type';
}
