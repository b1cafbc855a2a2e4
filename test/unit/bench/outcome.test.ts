import { expect, it } from 'vitest';
import { mergeRounds, problemOf } from '../../../bench/outcome.ts';
import { createLatencies } from '../../../bench/latencies.ts';

it('of several rounds the worst counts where something went wrong, and the median of all else', () => {
  const rounds = [
    { deltaP50Ms: 3, lost: 0, closedDoubled: 0, providerNotClosed: 1, outcome: 'a', closed: null },
    { deltaP50Ms: 1, lost: 37, closedDoubled: 2, providerNotClosed: 0, outcome: 'b', closed: null },
    { deltaP50Ms: 2, lost: 0, closedDoubled: 0, providerNotClosed: 0, outcome: 'a' },
  ];
  expect(mergeRounds(rounds)).toEqual({
    ...{ deltaP50Ms: 2, lost: 37, closedDoubled: 2, providerNotClosed: 1 },
    ...{ outcome: 'a; b', closed: null },
  });
  expect(mergeRounds(rounds.slice(0, 2))).toMatchObject({ deltaP50Ms: 3 });
});

it('a round that failed is told, though others did not', () => {
  const measurement = { settings: {}, figures: {}, late: { readers: 0, model: 0 } };
  expect(problemOf({ measurements: [measurement], problems: [] })).toBeNull();
  expect(problemOf({ measurements: [measurement], problems: ['broken\nat …'] })).toBe(
    '1 of 2 failed: broken',
  );
});

it('what ends before it begins is no duration', () => {
  expect(() => createLatencies().add(-1n)).toThrow('before it began');
});
