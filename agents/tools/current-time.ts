import { z } from 'zod';
import { defineTool, type Tool } from '../tool.ts';

/** The `current_time` tool on a clock of your own. */
export function createCurrentTime(now: () => Date = () => new Date()): Tool {
  return defineTool({
    name: 'current_time',
    description: 'Tells the current date, time and weekday in a time zone.',
    parameters: z.object({
      time_zone: z
        .string()
        .default('UTC')
        .describe('IANA name such as "Europe/Berlin" or "America/New_York".'),
    }),
    idempotent: true,
    run: async ({ time_zone }) => localTime(now(), time_zone),
  });
}

export const currentTime = createCurrentTime();

/** `time` is ISO 8601 with the zone's offset, to the second. Throws an `Error` for an unknown zone. */
function localTime(date: Date, timeZone: string) {
  const part = partsOf(date, timeZone);
  const day = `${part.year}-${part.month}-${part.day}`;
  // Intl writes the offset as "GMT+02:00", and as "GMT" alone for zero.
  const offset = part.timeZoneName?.replace('GMT', '') || '+00:00';
  return {
    time_zone: timeZone,
    time: `${day}T${part.hour}:${part.minute}:${part.second}${offset}`,
    weekday: part.weekday,
  };
}

function partsOf(
  date: Date,
  timeZone: string,
): Partial<Record<Intl.DateTimeFormatPartTypes, string>> {
  const parts = formatFor(timeZone).formatToParts(date);
  return Object.fromEntries(parts.map(({ type, value }) => [type, value]));
}

function formatFor(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      weekday: 'long',
      timeZoneName: 'longOffset',
    });
  } catch {
    throw new Error(
      `"${timeZone.slice(0, 80)}" is no time zone. Use an IANA name such as "Europe/Berlin".`,
    );
  }
}
