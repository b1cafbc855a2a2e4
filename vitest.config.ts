import { defineConfig } from 'vitest/config';

/** Projects that need a Temporal server share the one that `test/support/global-setup.ts` starts. */
const onTemporal = {
  globalSetup: ['test/support/global-setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 120_000,
};

/**
 * The production shape: two APIs and two workers on Temporal's production server and PostgreSQL, first with all of them in the
 * test's process, where what holds in one process is tried again, then in processes of their own; and both as functions. One
 * file at a time, because PostgreSQL allows 100 connections by default.
 */
const clusterProjects = (['postgres', 'redis'] as const).flatMap((clusterRelay) => {
  const common = {
    provide: { clusterRelay },
    globalSetup: ['test/support/cluster-setup.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  };
  const repeated = [
    'test/e2e/feed*.test.ts',
    'test/workflow/{approvals,cancel-*,conversation-tasks,reconciler}.test.ts',
  ];
  const inOne = { name: `cluster-${clusterRelay}`, include: repeated };
  const apart = {
    name: `processes-${clusterRelay}`,
    include: ['test/cluster/**/*.test.ts'],
  };
  const serverless = {
    name: `functions-${clusterRelay}`,
    include: ['test/serverless/**/*.test.ts'],
  };
  return [
    { test: { ...common, ...inOne, sequence: { groupOrder: 2 } } },
    { test: { ...common, ...apart, sequence: { groupOrder: 3 } } },
    { test: { ...common, ...serverless, sequence: { groupOrder: 4 } } },
  ];
});

export default defineConfig({
  test: {
    // Most of a test's time is waiting for a server, so more files than processors can be under way.
    maxWorkers: 3,
    reporters: ['default', 'json'],
    outputFile: { json: 'test-report/results.json' },
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
      {
        test: {
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          ...onTemporal,
          sequence: { groupOrder: 5 },
        },
      },
      ...clusterProjects,
    ],
  },
});
