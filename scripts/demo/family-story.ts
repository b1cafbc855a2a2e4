import { setTimeout as sleep } from 'node:timers/promises';
import type { HoldfastClient } from '../../client/create-holdfast-client.ts';
import type { Task } from '../../contract/wire.ts';
import { proveFamily } from './family-proof.ts';
import { proveFeed } from './feed-proof.ts';
import { createLanes } from './lanes.ts';
import type { DemoService } from './open-service.ts';
import {
  createFamilyReader,
  endOf,
  entriesOf,
  readFamily,
  textOf,
  type FamilyReader,
} from './read-family.ts';
import { inMidSentence } from './read-run.ts';
import type { Screen } from './screen.ts';
import { newConversation, type Chapter } from './story.ts';

/** A real model understands it too; the demo model takes the sentences in their order. */
const ORDERS = `Start three agents in the background.
Ask essay (default): "Write a long text on durable execution."
Ask sums (default): "Work out 17 * 23, 19 * 29, 31 * 37 and 41 * 43, one after another, and report your progress."
Ask powers (default): "Work out 2^10, 3^10, 4^10, 5^10 and 6^10, one after another."
Tell powers: "And 7^10, please."
Wait for sums. Cancel essay: "the sums are enough". Wait for all.
Then put together what they have told you.`;

/** The story is given up after so long. */
const DEADLINE_MS = 120_000;

/** The connection to the feed is cut, and the reader is away for a while. */
interface Cut {
  why: string;
  when(reader: FamilyReader): boolean;
  away(service: DemoService, reader: FamilyReader): Promise<unknown>;
}

const CUTS: readonly Cut[] = [
  {
    why: 'The connection is cut in mid-sentence. Nobody reads while 100 characters more are said.',
    when: (reader) => inMidSentence(textOf(reader, 'essay'), 60),
    away: ({ client }, reader) => {
      const shown = textOf(reader, 'essay').length;
      return untilEssay(client, reader, ({ live }) => (live?.text.length ?? 0) >= shown + 100);
    },
  },
  {
    why: 'kill -9: API, worker and store are gone, with four tasks at work. They start again.',
    when: (reader) => inMidSentence(textOf(reader, 'essay'), 300),
    async away(service) {
      await service.kill();
      await service.start();
    },
  },
  {
    why: 'The connection is cut as lead cancels essay. Nobody reads until essay has ended.',
    when: (reader) =>
      entriesOf(reader, 'lead', 'turn.tool_call').some(({ data }) => data.name === 'cancel_task'),
    away: ({ client }, reader) => untilEssay(client, reader, ({ status }) => status === 'FAILED'),
  },
  {
    why: 'The connection is cut in the midst of the answer of lead.',
    when: (reader) => inMidSentence(textOf(reader, 'lead'), 200),
    away: async () => undefined,
  },
];

/** Waits until this holds of `essay`, or the task has ended. */
async function untilEssay(
  client: HoldfastClient,
  { ids }: FamilyReader,
  holds: (essay: Task) => boolean,
): Promise<void> {
  for (;;) {
    const essay = await client.get(ids.get('essay') ?? '');
    if (holds(essay) || essay.finished_at !== null) return;
    await sleep(20);
  }
}

/** `npm run demo -- family`: an agent leads three others, while the reader of their conversation is cut off again and again. */
export async function tellFamily(service: DemoService, screen: Screen): Promise<Chapter[]> {
  const { client } = service;
  screen.say('\n2. An agent is told to lead three others:\n');
  for (const line of ORDERS.split('\n')) screen.say(`   > ${line}`);
  const conversationId = newConversation();
  const { id: leadId, workflow } = await client.start({
    agent: 'lead',
    name: 'lead',
    input: ORDERS,
    conversation_id: conversationId,
  });
  screen.say(`\n   ${leadId}; an operator sees it, and its children, at\n   ${workflow.url}`);
  screen.say('\n3. A reader follows all of them in the one feed of their conversation.\n');
  const reader = createFamilyReader();
  await follow(reader, { service, screen, conversationId });
  return [
    { title: 'What the family has shown', findings: await proveFamily(client, reader) },
    { title: 'What the feed has shown', findings: await proveFeed(client, reader) },
  ];
}

interface Following {
  service: DemoService;
  screen: Screen;
  conversationId: string;
}

/** Reads to the end of the lead, with a cut where each of them is due. */
async function follow(reader: FamilyReader, following: Following): Promise<void> {
  const { service, screen, conversationId } = following;
  const lanes = createLanes(screen);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const due = [...CUTS];
  for (;;) {
    const isOver = () => endOf(reader, 'lead') !== undefined;
    const until = () => isOver() || (due[0]?.when(reader) ?? false);
    const { client } = service;
    await readFamily(reader, { client, conversationId, lanes, signal, until });
    lanes.endLines();
    const cut = due.shift();
    if (isOver() || signal.aborted || !cut) return;
    screen.say(`\n  ✂ ${cut.why}`);
    await cut.away(service, reader);
    screen.say(`  ↻ The reader is back, with ${reader.lastId}\n`);
    reader.cuts += 1;
  }
}
