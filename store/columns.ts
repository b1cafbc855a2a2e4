import { customType } from 'drizzle-orm/pg-core';

/**
 * A `json` column: key order and bytes survive, unlike `jsonb`. Not Drizzle's own, which parses a value twice, so that
 * the text `42` comes back as a number.
 */
export const json = <T>(name: string) =>
  customType<{ data: T; driverData: unknown }>({
    dataType: () => 'json',
    toDriver: (value) => JSON.stringify(value),
    fromDriver: (value) => value as T,
  })(name);

/** A point in time, RFC 3339 UTC with milliseconds on our side. */
export const instant = customType<{ data: string; driverData: string }>({
  dataType: () => 'timestamp (3) with time zone',
  fromDriver: (value) => new Date(value).toISOString(),
});
