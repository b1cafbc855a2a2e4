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
    const meant = meantBranch(issue.errors);
    if (meant) return meant.flatMap((inner) => detailsOf(inner, path));
  }
  if (issue.code === 'invalid_key')
    return issue.issues.map(({ message }) => ({ path: path.join('.'), message }));
  return [{ path: path.join('.'), message: issue.message }];
}

/** The branch of a union that the value was meant for: its fault lies inside the value, or at least not in its kind. */
function meantBranch(branches: Issue[][]): Issue[] | undefined {
  return (
    branches.find((issues) => issues.some(({ path }) => path.length > 0)) ??
    branches.find((issues) => issues.some(({ code }) => code !== 'invalid_type'))
  );
}
