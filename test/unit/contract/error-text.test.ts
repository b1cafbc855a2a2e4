import { describe, expect, it } from 'vitest';
import { errorText } from '../../../contract/error-text.ts';
import { MAX_ERROR_BYTES } from '../../../contract/failures.ts';
import { startOptions } from '../../../contract/start-options.ts';
import { NO_USAGE, type TaskRecord } from '../../../contract/task.ts';

describe('the text of an error', () => {
  it.each([
    [new Error('the disk is full'), 'the disk is full'],
    [new TypeError(''), 'TypeError'],
    ['thrown text', 'thrown text'],
    [undefined, 'undefined'],
    [new Error('a\u0000\uD800'), 'a\uFFFD\uFFFD'],
  ])('of %o is %j', (error, text) => {
    expect(errorText(error)).toBe(text);
  });

  it.each([
    ['Authorization: Bearer abcdef.ghi-jkl_mno=', 'abcdef'],
    ['header basic dXNlcjpwYXNzd29yZA== refused', 'dXNlcjp'],
    ['Incorrect API key provided: sk-proj-0123456789abcdef', '0123456789'],
    ['cannot connect to postgres://holdfast:hunter22@db/holdfast', 'hunter22'],
  ])('holds no secret: %j', (text, secret) => {
    expect(errorText(new Error(text))).not.toContain(secret);
    expect(errorText(text)).toContain('[redacted]');
  });

  it('is at most 2 KiB, and whole characters', () => {
    const text = errorText(new Error('🦁'.repeat(5_000)));
    expect(Buffer.byteLength(text)).toBe(MAX_ERROR_BYTES);
    expect(text).toBe('🦁'.repeat(MAX_ERROR_BYTES / 4));
  });
});

describe('how a run is started', () => {
  const task: TaskRecord = {
    ...{ id: 'task_1', owner: 'local', type: 'agent_run', agent: 'default', status: 'PENDING' },
    ...{ model: null, instructions: null, name: null, description: null, progress: 0 },
    ...{ failure: null, input: 'Why?', output: null, partial_output: null, parent: null },
    ...{ conversation_id: null, ordinal: 0, metadata: {}, epoch: 1, cancel_request: null },
    ...{ run_id: null, usage: NO_USAGE, last_seq: 0, log_incomplete: false, ancestors: [] },
    ...{ created_at: '2026-01-01T00:00:00.000Z', started_at: null, finished_at: null },
    ...{
      turn: 0,
      queued: null,
      detached: false,
      continue_from: null,
      tool_call: null,
      rolled_back: false,
    },
    limits: { timeout_seconds: null, max_steps: null },
  };

  it('fits the question into the summary of 400 bytes, on one line and in whole characters', () => {
    const input = [{ type: 'text' as const, text: 'a\n\n b🦁'.repeat(200) }];
    const { staticSummary } = startOptions({ ...task, input }, 'queue');
    expect(Buffer.byteLength(staticSummary)).toBeLessThanOrEqual(400);
    expect(staticSummary).toMatch(/^default: a b🦁a b/);
    expect(staticSummary.isWellFormed()).toBe(true);
  });

  it('says in the summary who does it, with the name where the task has one', () => {
    const input = 'Hello';
    const summary = (fields: Partial<TaskRecord>) =>
      startOptions({ ...task, input, ...fields }, 'queue').staticSummary;
    expect(summary({ name: 'ann' })).toBe('ann (default): Hello');
    expect(summary({ tool_call: { name: 'http_get', arguments: {} } })).toBe('http_get: Hello');
    const long = summary({
      name: '好'.repeat(64),
      agent: '好'.repeat(64),
      input: '好'.repeat(200),
    });
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(400);
  });

  it('never starts a closed run again, and joins an open one', () => {
    expect(startOptions(task, 'queue')).toMatchObject({
      workflowId: 'task_1',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
  });
});
