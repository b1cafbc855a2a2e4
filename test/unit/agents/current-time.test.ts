import { expect, it } from 'vitest';
import { createCurrentTime } from '../../../agents/tools/current-time.ts';
import { context } from './worlds.ts';

const tool = createCurrentTime(() => new Date('2026-07-01T22:30:05Z'));

it.each([
  ['UTC', '2026-07-01T22:30:05+00:00', 'Wednesday'],
  ['Europe/Berlin', '2026-07-02T00:30:05+02:00', 'Thursday'],
  ['America/New_York', '2026-07-01T18:30:05-04:00', 'Wednesday'],
  ['Asia/Kolkata', '2026-07-02T04:00:05+05:30', 'Thursday'],
])('tells the time in %s with its offset', async (time_zone, time, weekday) => {
  expect(await tool.run({ time_zone }, context)).toEqual({ time_zone, time, weekday });
  expect(Date.parse(time)).toBe(Date.parse('2026-07-01T22:30:05Z'));
});

it('takes UTC where no zone is given', () => {
  expect(tool.parameters.parse({})).toEqual({ time_zone: 'UTC' });
});

it('says that a zone is unknown', async () => {
  await expect(tool.run({ time_zone: 'Mars/Olympus' }, context)).rejects.toThrow(
    '"Mars/Olympus" is no time zone',
  );
});
