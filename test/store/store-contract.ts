import { afterAll, beforeAll, describe } from 'vitest';
import { acceptContract } from './accept-contract.ts';
import { burstContract } from './burst-contract.ts';
import { cancelContract } from './cancel-contract.ts';
import { conversationContract } from './conversation-contract.ts';
import { dueContract } from './due-contract.ts';
import { endContract } from './end-contract.ts';
import { epochContract } from './epoch-contract.ts';
import type { Subject } from './fixtures.ts';
import { keyContract } from './key-contract.ts';
import { groupContract } from './group-contract.ts';
import { listContract } from './list-contract.ts';
import { logContract } from './log-contract.ts';
import { resultsContract } from './results-contract.ts';
import { turnContract } from './turn-contract.ts';
import { familyContract } from './family-contract.ts';
import { familyResultsContract } from './family-results-contract.ts';
import { treeContract } from './tree-contract.ts';

/** What every store does, whatever database it stands on. */
export function storeContract(name: string, open: () => Promise<Subject>): void {
  describe(`store on ${name}`, () => {
    let subject: Subject;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject.store[Symbol.asyncDispose]());
    const current = () => subject;
    describe('accepting', () => acceptContract(current));
    describe('accepting at once', () => burstContract(current));
    describe('ids that callers choose', () => epochContract(current));
    describe('ending', () => endContract(current));
    describe('cancelling', () => cancelContract(current));
    describe('logs', () => logContract(current));
    describe('groups', () => groupContract(current));
    describe('lists', () => listContract(current));
    describe('conversations', () => conversationContract(current));
    describe('turns', () => turnContract(current));
    describe('results', () => resultsContract(current));
    describe('keys', () => keyContract(current));
    describe('trees', () => treeContract(current));
    describe('families', () => familyContract(current));
    describe('results of families', () => familyResultsContract(current));
    describe('what is due', () => dueContract(current));
  });
}
