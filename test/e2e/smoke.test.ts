import { expect, it } from 'vitest';
import { openRig } from '../support/rig.ts';

it('runs', async () => {
  await using rig = await openRig();
  const { model } = rig.script(
    [{ reason: 'hm' }, { say: 'Let me see. ' }, { call: { id: 'c1', name: 'calculator', arguments: { expression: '17*23' } } }],
    [{ say: 'It is 391, of course.', pieces: 5, everyMs: 20 }],
  );
  const task = await rig.start({ input: 'What is 17*23?', model, conversation_id: `conv_${'a'.repeat(32)}` });
  const reader = await rig.read(task.id);
  await reader.ended;
  console.log(reader.frames.map((f) => `${f.id.slice(-12)} ${f.frame.type}`).join('\n'));
  const end = await rig.untilEnd(task.id);
  console.log(end, await rig.messages(end.conversation_id!));
  expect(end.status).toBe('COMPLETED');
});
