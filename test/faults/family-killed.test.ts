import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { within } from '../support/within.ts';
import { COMMIT, type Moment } from './database.ts';
import {
  childrenOf,
  endsTold,
  expectOneChild,
  CHILD_SETTINGS,
  readChild,
  startLeadAndChild,
  untilAtWork,
  type LeadAndChild,
} from './lead-and-child.ts';
import { openService, type Service } from './service.ts';
import { seeded, seedOfRun } from './text.ts';

const SPAWN = ['insert into "tasks"', COMMIT];
const END = ['insert into "task_segments"', COMMIT];
const TOLD = ['update "tasks" set "parent_told_at"'];

/** Where the worker is killed at the end of a child: how the child stands then, and how often its lead was told. */
const ENDS = [
  { when: 'before', of: 'its end is stored', statements: END, status: 'RUNNING', told: 0 },
  { when: 'after', of: 'its end is stored', statements: END, status: 'COMPLETED', told: 0 },
  { when: 'before', of: 'it is known to be told', statements: TOLD, status: 'COMPLETED', told: 1 },
] as const;

describe('kill -9 of the worker of a lead and its child', () => {
  let service: Service;
  beforeAll(async () => {
    service = await openService({ processes: 'two', settings: CHILD_SETTINGS });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  /** Lets it come to that moment, and kills. A store within the process itself cannot be held there: then it goes on. */
  async function killAt(moment: Moment, come: () => void): Promise<void> {
    const held = service.database?.holdAt(moment);
    come();
    if (!held) return;
    await within(held, () => `${moment.when} ${moment.statements.join()}`);
    await service.worker.stop('SIGKILL');
  }

  /** Proves that the kill has hit that moment. */
  async function expectStored(family: LeadAndChild, statuses: readonly string[], told: number) {
    if (!service.database) return;
    const children = await childrenOf(service, family);
    expect(children.map(({ status }) => status)).toEqual(statuses);
    expect(await endsTold(service, family)).toBe(told);
  }

  it.each([
    { when: 'before', statuses: [] },
    { when: 'after', statuses: ['PENDING'] },
  ] as const)('K2 $when a spawn is stored: there is one child', async ({ when, statuses }) => {
    const family = await startLeadAndChild(service, seeded(seedOfRun()));
    family.answer.open();
    await killAt({ statements: SPAWN, when }, family.spawn.open);
    await expectStored(family, statuses, 0);
    await service.worker.start();
    await expectOneChild(service, family, await readChild(service, family));
  });

  it.each([
    ...ENDS.map((moment) => ({ ...moment, lead: 'waits' as const })),
    ...ENDS.slice(0, 2).map((moment) => ({ ...moment, lead: 'has ended' as const })),
  ])(
    'B5 B6 $when $of, where its lead $lead: the end of a child is in one place',
    async ({ when, statements, status, told, lead }) => {
      const seed = seeded(seedOfRun());
      const family = await startLeadAndChild(service, seed, { waits: lead === 'waits' });
      await untilAtWork(service, family);
      const reader = await readChild(service, family);
      await killAt({ statements, when }, family.answer.open);
      await expectStored(family, [status], told);
      await service.worker.start();
      await expectOneChild(service, family, reader);
    },
  );
});
