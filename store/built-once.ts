import type { Queries } from './database.ts';

/**
 * A query that is built once for each database: what is asked for with every request would else be put together for longer than
 * PostgreSQL takes to answer. It is prepared without a name: a named statement belongs to one connection of the server, which is
 * not always the same one behind a pooler.
 */
export function builtOnce<Q>(build: (db: Queries) => Q): (db: Queries) => Q {
  const built = new WeakMap<Queries, Q>();
  return (db) => {
    let query = built.get(db);
    if (query === undefined) {
      query = build(db);
      built.set(db, query);
    }
    return query;
  };
}
