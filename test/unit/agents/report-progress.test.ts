import { expect, it } from 'vitest';
import { reportProgress } from '../../../agents/tools/report-progress.ts';
import { context } from './worlds.ts';

it('emits how far the work is, as it was told', async () => {
  const emitted: unknown[] = [];
  const emit = (...event: unknown[]) => void emitted.push(event);
  const progress = { note: 'two pages are read', done: 2, total: 5 };
  const args = reportProgress.parameters.parse(progress);
  expect(await reportProgress.run(args, { ...context, emit })).toEqual({ reported: true });
  expect(emitted).toEqual([['progress', progress]]);
});

it('needs no figures, but something to say', () => {
  expect(reportProgress.parameters.safeParse({ note: 'begun' }).success).toBe(true);
  expect(reportProgress.parameters.safeParse({ done: 1, total: 2 }).success).toBe(false);
});
