/** Servers that tests make databases of their own on. */
export const POSTGRES_URL =
  process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
export const REDIS_URL = process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379';

/** What carries the relay of a cluster. */
export type ClusterRelay = 'postgres' | 'redis';

declare module 'vitest' {
  interface ProvidedContext {
    /** Set in projects whose rigs are clusters: several APIs and workers on PostgreSQL. */
    clusterRelay?: ClusterRelay;
  }
}
