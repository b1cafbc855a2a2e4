import type { Turn } from '../support/model-server.ts';
import { within } from '../support/within.ts';
import { inBackground } from '../workflow/family.ts';
import { keepReadingFamily, type KeptFamilyReader } from './kept-family-reader.ts';
import { pausedAnswer, startRun, type PausedAnswer, type Run } from './runs.ts';
import type { RunService } from './service.ts';
import type { Seeded } from './text.ts';

/** Attempts of one step that a script holds. */
const ATTEMPTS = 8;

/** Where families play. */
export interface Stage {
  service: RunService;
  seed: Seeded;
  /** Another hand each time, who plays a child. */
  pickHand(): string;
  /** Aborted when the test is over. */
  signal: AbortSignal;
}

export interface Member extends PausedAnswer {
  readonly taskId: string;
  /** Key of its script at the model server; a child's name, too. */
  readonly key: string;
}

/** A lead, the children that it has started in its first step, and a reader of their conversation who was there from the start. */
export interface Family {
  readonly lead: Member & Run;
  readonly children: Member[];
  readonly reader: KeptFamilyReader;
}

export interface FamilyPlan {
  children: PausedAnswer[];
  /** False: the lead's call waits for the child. */
  background?: boolean;
  /** What the lead does between the start of its children and its answer. */
  turns?: Turn[];
}

/** The model waits in the middle of its answer, in each attempt: what comes to a halt so is where it was after a fault. */
export function heldAnswer(seed: Seeded): PausedAnswer {
  const script = pausedAnswer(seed, { withTool: false });
  const [turn = []] = script.turns;
  return { ...script, turns: Array.from({ length: ATTEMPTS }, () => turn) };
}

/** Starts a lead, and waits until it has started its children. All of them hold their answers. */
export async function openFamily(stage: Stage, plan: FamilyPlan): Promise<Family> {
  const { service, signal, seed } = stage;
  const { children, background = true, turns = [] } = plan;
  const cast = children.map((script) => {
    const hand = stage.pickHand();
    service.model.script(hand, script.turns);
    return { ...script, key: hand, spawn: inBackground(hand, { background }) };
  });
  const answer = heldAnswer(seed);
  const run = await startRun(service, {
    ...answer,
    agent: 'lead',
    turns: [cast.map(({ spawn }) => spawn), ...turns, ...answer.turns],
  });
  const reader = keepReadingFamily(service.client, run.conversationId, signal);
  await reader.until(() => cast.every(({ key }) => reader.idOf(key)), 'the children to be there');
  return {
    lead: { ...answer, ...run },
    children: cast.map((child) => ({ ...child, taskId: reader.idOf(child.key) ?? '' })),
    reader,
  };
}

export function membersOf({ lead, children }: Family): Member[] {
  return [lead, ...children];
}

/** Waits until they are paused within their answers, and the reader has all of those so far. */
export async function untilPaused({ reader }: Family, ...members: Member[]): Promise<void> {
  for (const { pause, taskId, said } of members) {
    await within(pause.reached, () => `the model of ${taskId} to pause`);
    await reader.until(() => reader.of(taskId).transcript.text() === said, `"${said}"`);
  }
}

/** Lets them say the rest, now or when they come to it. */
export function letGo(...members: Member[]): void {
  for (const { pause } of members) pause.open();
}

export function untilFamilyEnded(family: Family): Promise<void> {
  return family.reader.untilEnded(membersOf(family).map(({ taskId }) => taskId));
}
