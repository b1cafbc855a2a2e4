import type { PageRequest } from '../store/store.ts';

/** The page that a query asks for. */
export function pageRequest(query: {
  limit: number;
  order: PageRequest['order'];
  cursor?: string | undefined;
}): PageRequest {
  const { limit, order, cursor } = query;
  return { limit, order, ...(cursor !== undefined && { cursor }) };
}
