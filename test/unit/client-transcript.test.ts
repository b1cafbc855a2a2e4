import { expect, it } from 'vitest';
import { createTranscript } from '../../client/transcript.ts';
import { createTranscripts } from '../../client/transcripts.ts';
import type { Frame } from '../../contract/frames.ts';
import { NO_USAGE } from '../../contract/task.ts';
import type { Block } from '../../contract/text.ts';

const delta = (offset: number, text: string, more: { attempt?: number; block?: number } = {}) =>
  ({
    type: 'turn.delta',
    step: 1,
    attempt: 1,
    block: 0,
    kind: 'text',
    offset,
    text,
    ...more,
  }) as const;

const answer = (blocks: Block[]): Frame => ({
  type: 'turn.final_answer',
  task_id: 'task_1',
  seq: 4,
  at: '2026-01-01T00:00:00.000Z',
  data: { step: 1, attempt: 1, blocks, text: '', usage: NO_USAGE },
});

it('appends deltas, and keeps reasoning out of the text', () => {
  const transcript = createTranscript();
  transcript.take({ ...delta(0, 'Hm. '), kind: 'reasoning' });
  transcript.take(delta(4, 'Du', { block: 1 }));
  transcript.take(delta(6, 'rable', { block: 1 }));
  expect(transcript.text()).toBe('Durable');
  expect(transcript.steps.get(1)?.blocks).toEqual([
    { kind: 'reasoning', text: 'Hm. ' },
    { kind: 'text', text: 'Durable' },
  ]);
});

it('drops the step at a reset, and goes on with the newer attempt', () => {
  const transcript = createTranscript();
  transcript.take(delta(0, 'withdrawn'));
  transcript.take({ type: 'turn.reset', step: 1, attempt: 2 });
  expect(transcript.text()).toBe('');
  transcript.take(delta(0, 'kept', { attempt: 2 }));
  expect(transcript.text()).toBe('kept');
  expect([transcript.gaps, transcript.doubled]).toEqual([0, 0]);
});

it("replaces what it has at the step's own entry, and leaves the frame alone", () => {
  const transcript = createTranscript();
  transcript.take(delta(0, 'Dur'));
  const frame = answer([{ kind: 'text', text: 'Durable.' }]);
  transcript.take(frame);
  transcript.take(delta(8, ' More.'));
  expect(transcript.text(1)).toBe('Durable. More.');
  expect(frame).toMatchObject({ data: { blocks: [{ text: 'Durable.' }] } });
});

it('starts afresh from a snapshot', () => {
  const transcript = createTranscript();
  transcript.take(delta(0, 'old'));
  const blocks: Block[] = [{ kind: 'text', text: 'new' }];
  transcript.take({ type: 'snapshot', seq: 9, task: {}, step: 3, attempt: 1, blocks });
  expect([...transcript.steps.keys()]).toEqual([3]);
  expect(transcript.text()).toBe('new');
});

it('takes once what comes twice, and counts that and what is missing', () => {
  const transcript = createTranscript();
  transcript.take(delta(0, 'abc'));
  transcript.take(delta(1, 'bcde'));
  expect(transcript.text()).toBe('abcde');
  expect(transcript.doubled).toBe(2);
  transcript.take(delta(9, 'xyz'));
  expect(transcript.gaps).toBe(4);
});

it('has no text before anything was said', () => {
  expect(createTranscript().text()).toBe('');
});

it('keeps the tasks of a conversation’s feed apart', () => {
  const transcripts = createTranscripts();
  transcripts.take({ type: 'feed.opened' });
  transcripts.take({ ...delta(0, 'One'), task_id: 'task_1' });
  transcripts.take({ ...delta(0, 'Two'), task_id: 'task_2' });
  transcripts.take({ ...delta(3, '!'), task_id: 'task_1' });
  transcripts.take(answer([{ kind: 'text', text: 'One.' }]));
  expect([...transcripts.tasks].map(([id, one]) => [id, one.text()])).toEqual([
    ['task_1', 'One.'],
    ['task_2', 'Two'],
  ]);
});

it('begins anew with the next epoch of an id that was given again', () => {
  const transcripts = createTranscripts();
  const accepted = (epoch?: number): Frame => ({
    type: 'task.accepted',
    task_id: 'order-42',
    seq: 1,
    at: '2026-01-01T00:00:00.000Z',
    data: {
      type: 'agent_run',
      agent: 'default',
      name: null,
      input: 'a',
      conversation_id: 'conv_1',
      ...(epoch && { epoch }),
    },
  });
  transcripts.take(accepted());
  transcripts.take({ ...delta(0, 'The first answer'), task_id: 'order-42' });
  transcripts.take({ ...delta(0, 'Else'), task_id: 'task_1' });
  transcripts.take(accepted(2));
  transcripts.take({ ...delta(0, 'The second'), task_id: 'order-42' });
  expect(
    [...transcripts.tasks].map(([id, { text, gaps, doubled }]) => [id, text(), gaps, doubled]),
  ).toEqual([
    ['task_1', 'Else', 0, 0],
    ['order-42', 'The second', 0, 0],
  ]);
});
