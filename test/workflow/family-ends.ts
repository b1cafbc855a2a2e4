import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Task } from '../../contract/wire.ts';
import { gate, type Gate, type Turn } from '../support/model-server.ts';
import type { Rig, StartBody } from '../support/rig.ts';
import { eventually, within } from '../support/within.ts';
import { logOf, newConversation } from './cancelled-run.ts';
import { call, childrenOf, promptOf, type Cast } from './family.ts';

/** What the child says in the end. */
export const WORD = 'The well is dry.';

/** A lead and the child that it has started, which waits for its gate before it answers. */
export interface Pair {
  lead: Task;
  child: Task;
  conversation: string;
  /** Of the lead's model. */
  key: string;
  /** Lets the child answer. */
  finishChild(): void;
}

export interface PairOptions extends Partial<StartBody> {
  /** What the lead's model says behind its first step, in which it starts the child. */
  turns: Turn[];
  /** False: that call waits for the child's answer. */
  background?: boolean;
  /** Who plays the child. */
  who?: string;
}

/** Starts a pair, and waits until the child is at work. */
export async function openPair(rig: Rig, cast: Cast, options: PairOptions): Promise<Pair> {
  const { turns, background = true, who = 'worker', ...body } = options;
  const held = gate();
  cast.direct(rig, who, [{ gate: held }, { say: WORD }]);
  const spawn = call('spawn_agent', { agent: who, input: 'Is there water?', background });
  const { model, key } = rig.script([spawn], ...turns);
  const conversation = newConversation();
  const start = { agent: 'lead', model, input: 'Look.', conversation_id: conversation };
  const lead = await rig.start({ ...start, ...body });
  await within(held.reached, () => 'the child to be at work');
  const [child] = await childrenOf(rig, lead.id);
  if (!child) throw new Error('the lead has no child');
  return { lead, child, conversation, key, finishChild: held.open };
}

/** Lets the child answer, and waits until the lead's log says so. */
export async function tellLead(rig: Rig, { lead, child, finishChild }: Pair): Promise<void> {
  finishChild();
  await rig.untilStatus(child.id, 'COMPLETED');
  await eventually(
    async () => (await logOf(rig, lead.id)).some(({ type }) => type === 'child.completed'),
    'the lead to be told',
  );
}

/** Lets the child answer where its lead's run takes nothing any more, and waits until nobody has to be told of it. */
export async function endUntold(rig: Rig, { child, finishChild }: Pair): Promise<void> {
  finishChild();
  await untilSettled(rig, child.id);
}

/** Until the task has completed, and its parent was told, or cannot be told any more. */
export async function untilSettled(rig: Rig, taskId: string): Promise<void> {
  await rig.untilStatus(taskId, 'COMPLETED');
  await eventually(
    async () => (await rig.store.dueParentNews(0, 100)).every(({ id }) => id !== taskId),
    'the news to be settled',
  );
}

/** A last step of the lead that waits in the middle of its answer. */
export function lastAnswer(): { turn: Turn; held: Gate } {
  const held = gate();
  return { turn: [{ say: 'I have looked' }, { gate: held }, { say: ' around.' }], held };
}

/** Where the child's end is, once the lead has ended: read by a step of the lead, or among the results; how often each. */
export async function placesOf(rig: Rig, { child, key, conversation }: Pair) {
  const prompt = promptOf(rig, key, rig.model.calls(key)).join('\n');
  const claimed = await claimAll(rig, conversation);
  return {
    read: prompt.split(WORD).length - 1,
    claimed: claimed.filter((id) => id === child.id).length,
  };
}

/** Ids of all results of the conversation that nobody has claimed yet. */
export async function claimAll(rig: Rig, conversation: string): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const path = `/v1/conversations/${conversation}/results/claim`;
    const ask = { claim_id: randomUUID(), limit: 100 };
    const { status, body } = await rig.request<{ data: Task[] }>('POST', path, ask);
    expect(status).toBe(200);
    if (body.data.length === 0) return ids;
    ids.push(...body.data.map(({ id }) => id));
  }
}

export const READ = { read: 1, claimed: 0 };
export const CLAIMED = { read: 0, claimed: 1 };
