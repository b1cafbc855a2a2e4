import type { TaskFilter } from '../store/store.ts';
import { metadataKey, type ListTasksQuery } from './schemas.ts';

/** What a query asks of the list, for one owner. */
export function taskFilter(query: ListTasksQuery, owner: string): TaskFilter {
  const { limit: _limit, order: _order, cursor: _cursor, status, ...fields } = query;
  const metadata: [string, string][] = [];
  const plain: [string, unknown][] = [];
  for (const [name, value] of Object.entries(fields)) {
    const key = metadataKey(name);
    if (key !== null) metadata.push([key, value as string]);
    else if (value !== undefined) plain.push([name, value]);
  }
  return {
    ...Object.fromEntries(plain),
    owner,
    ...(status !== undefined && { status: [status].flat() }),
    ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }),
  };
}
