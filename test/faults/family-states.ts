import { expect } from 'vitest';
import { isChildEnd } from '../../contract/events.ts';
import { call, untilWaiting } from '../workflow/family.ts';
import {
  heldAnswer,
  letGo,
  membersOf,
  openFamily,
  untilFamilyEnded,
  untilPaused,
  type Family,
  type Stage,
} from './open-family.ts';
import type { RunService } from './service.ts';

/** A family that has come to a halt, and what becomes of it. */
export interface HaltedFamily {
  readonly family: Family;
  /** Where the ends of the children are in the end. Left out: it depends on who is faster. */
  readonly place?: 'read' | 'claimed';
  /** Lets all of them go on. */
  goOn(): void | Promise<void>;
}

type Halt = (stage: Stage) => Promise<HaltedFamily>;

/** A child runs in the background while the lead answers. */
const atWork: Halt = async (stage) => {
  const family = await openFamily(stage, { children: [heldAnswer(stage.seed)] });
  await untilPaused(family, ...membersOf(family));
  return halted(family);
};

/** The call that has started the child has its answer as result. */
export const inForeground: Halt = async (stage) => {
  const family = await openFamily(stage, { children: [heldAnswer(stage.seed)], background: false });
  await untilPaused(family, ...family.children);
  await untilLeadWaits(stage.service, family);
  return halted(family, 'read');
};

/** The lead waits for two, and knows of the end of one, which no step has read. */
export const waiting: Halt = async (stage) => {
  const family = await openFamily(stage, {
    children: [heldAnswer(stage.seed), heldAnswer(stage.seed)],
    turns: [[call('wait_for_tasks')]],
  });
  const [first, second] = family.children;
  await untilPaused(family, first!, second!);
  await untilLeadWaits(stage.service, family);
  letGo(first!);
  await untilToldOf(family, first!.taskId);
  return halted(family, 'read');
};

/** The lead knows of an end that came while it gives its last answer, so that no step will read it. */
const unread: Halt = async (stage) => {
  const family = await openFamily(stage, { children: [heldAnswer(stage.seed)] });
  const { lead, children } = family;
  await untilPaused(family, lead, ...children);
  letGo(...children);
  for (const { taskId } of children) await untilToldOf(family, taskId);
  return halted(family, 'claimed');
};

/** The children have ended after the lead: their ends are to be claimed. */
const ended: Halt = async (stage) => {
  const family = await openFamily(stage, {
    children: [heldAnswer(stage.seed), heldAnswer(stage.seed)],
  });
  letGo(family.lead);
  await family.reader.untilEnded([family.lead.taskId]);
  letGo(...family.children);
  await untilFamilyEnded(family);
  return halted(family, 'claimed');
};

/** The child waits for somebody's word, and the lead for the child. */
const approving: Halt = async (stage) => {
  const script = heldAnswer(stage.seed);
  const family = await openFamily(stage, {
    children: [{ ...script, turns: [[call('launch')], ...script.turns] }],
    turns: [[call('wait_for_tasks')]],
  });
  const { taskId } = family.children[0]!;
  const requested = () =>
    family.reader.of(taskId).entries.find(({ type }) => type === 'approval.requested');
  await family.reader.until(() => requested() !== undefined, 'a call that needs approval');
  await untilLeadWaits(stage.service, family);
  return {
    ...halted(family, 'read'),
    async goOn() {
      await approve(stage.service, taskId);
      letGo(...membersOf(family));
    },
  };
};

export function openFamilies(stage: Stage): Promise<HaltedFamily[]> {
  const halts = [atWork, inForeground, waiting, unread, ended, approving];
  return Promise.all(halts.map((halt) => halt(stage)));
}

function halted(family: Family, place?: 'read' | 'claimed'): HaltedFamily {
  return { family, ...(place && { place }), goOn: () => letGo(...membersOf(family)) };
}

function untilLeadWaits({ operator }: RunService, { lead }: Family): Promise<void> {
  return untilWaiting({ client: operator }, lead.taskId);
}

async function untilToldOf({ lead, reader }: Family, taskId: string): Promise<void> {
  const ends = () => reader.of(lead.taskId).entries.filter(isChildEnd);
  await reader.until(
    () => ends().some(({ data }) => data.task_id === taskId),
    `${lead.taskId} to be told of ${taskId}`,
  );
}

async function approve({ client }: RunService, taskId: string): Promise<void> {
  const { live } = await client.get(taskId);
  expect(live?.pending_approvals).toHaveLength(1);
  const approval = live?.pending_approvals[0] ?? '';
  await client.approve(taskId, approval, { approved: true });
  const again = client.approve(taskId, approval, { approved: false });
  await expect(again).rejects.toMatchObject({ code: 'approval_resolved' });
}
