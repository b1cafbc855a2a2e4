import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../api/ids.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { archiveOf, expectLeft } from './left-behind.ts';

const ANSWER = 'Noted.';
/** More than half of the 100,000 tokens, of about four characters, that a run reads of its conversation. */
const LONG = 'la '.repeat(70_000);

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

it('leaves out the oldest turns, whole, of a conversation that outgrows the model, and says so', async () => {
  const conversation_id = newId('conv');
  const ask = async (input: string) => {
    const { model, key } = rig.script([{ say: ANSWER }]);
    const { id } = await rig.start({ input, model, conversation_id });
    await expectLeft(rig, id, { text: ANSWER, code: null });
    const [system, ...said] = rig.model.requests(key)[0]?.body.messages ?? [];
    const notes = (await archiveOf(rig, id)).filter(({ type }) => type === 'task.progress');
    return { system: String(system?.content), said: said.map(({ content }) => content), notes };
  };

  const first = `first ${LONG}`;
  const second = `second ${LONG}`;
  expect(await ask(first)).toMatchObject({ said: [first], notes: [] });
  const trimmed = await ask(second);
  expect(trimmed.said).toEqual([second]);
  expect(trimmed.system).toMatch(/oldest 1 turns .* left out/);
  expect(trimmed.notes).toMatchObject([
    { data: { note: expect.stringContaining('1 older turn') } },
  ]);
  const third = await ask('third');
  expect(third.said).toEqual([second, ANSWER, 'third']);
  expect(third.system).toMatch(/oldest 1 turns .* left out/);
});
