import { condition } from '@temporalio/workflow';

/** Waits as `condition` does, until `deadline` at most: milliseconds since the epoch. False: it came first. */
export async function conditionBy(
  fn: () => boolean,
  deadline: number | undefined,
): Promise<boolean> {
  if (deadline !== undefined) return condition(fn, Math.max(deadline - Date.now(), 1));
  await condition(fn);
  return true;
}
