import { expect } from 'vitest';
import type { ErrorBody } from '../../contract/wire.ts';
import type { RoutesFixture } from './routes-fixture.ts';

/** Status, code, and the path that `details` names. */
type Refusal = [status: number, code: string, path?: string];

/** A 400 that names the field. */
export function invalid(path: string): Refusal {
  return [400, 'invalid_request', path];
}

/** The response is this error; nothing was stored beside the one task of the test, and no bug was logged. */
export async function expectRefused(
  routes: RoutesFixture,
  response: Response,
  [status, code, path]: Refusal,
): Promise<void> {
  const { error } = (await response.json()) as ErrorBody;
  expect([response.status, error.code]).toEqual([status, code]);
  expect(error.request_id).toBe(response.headers.get('X-Request-Id'));
  if (path !== undefined) {
    expect(error.details).toContainEqual({ path, message: expect.any(String) });
  }
  expect(await routes.stored()).toEqual([1, 1]);
  expect(routes.logged).toEqual([]);
}
