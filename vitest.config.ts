import { defineConfig } from 'vitest/config';

/** Projects that need a Temporal server share the one that `test/support/global-setup.ts` starts. */
const onTemporal = {
  globalSetup: ['test/support/global-setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 120_000,
};

/** What readers and cancels are promised, through two APIs and two workers on PostgreSQL and Temporal's production server. */
const cluster = (clusterRelay: 'postgres' | 'redis') => ({
  name: `cluster-${clusterRelay}`,
  include: [
    'test/cluster/**/*.test.ts',
    'test/e2e/feed*.test.ts',
    'test/workflow/cancel-{moments,operator,races,stream}.test.ts',
  ],
  provide: { clusterRelay },
  globalSetup: ['test/support/cluster-setup.ts'],
  testTimeout: 180_000,
  hookTimeout: 180_000,
});

export default defineConfig({
  test: {
    // Most of a test's time is waiting for a server, so more files than processors can be under way.
    maxWorkers: 3,
    reporters: ['default', ['json', { outputFile: 'test-report/results.json' }]],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{unit,store,relay}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      { test: { name: 'api', include: ['test/api/**/*.test.ts'], ...onTemporal } },
      { test: { name: 'temporal', include: ['test/workflow/**/*.test.ts'], ...onTemporal } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...onTemporal } },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // They stop and kill processes of their own: one after another, when all else is done.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      { test: cluster('postgres') },
      { test: cluster('redis') },
    ],
  },
});
