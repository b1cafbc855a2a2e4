import type { TestProject } from 'vitest/node';
import { shareTemporal, type SharedTemporal } from './shared-temporal.ts';
import { startTemporal } from './temporal-server.ts';

/** For projects on Temporal's development server. */
export function setup(project: TestProject): Promise<() => Promise<void>> {
  return shareTemporal(project, 'development', startDevelopment);
}

async function startDevelopment(): Promise<SharedTemporal> {
  const server = await startTemporal();
  return { ...server, folder: server.dataDir };
}
