import { expect } from 'vitest';
import type { Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';

/** Approves the one call of the task that waits for it. */
export async function approve(rig: Rig, id: string): Promise<void> {
  const [approval] = await eventually(async () => {
    const pending = (await rig.get(id)).live?.pending_approvals;
    return pending?.length === 1 && pending;
  }, 'the approval to be pending');
  const path = `/v1/tasks/${id}/approvals/${approval}`;
  expect((await rig.request('POST', path, { approved: true })).status).toBe(200);
}
