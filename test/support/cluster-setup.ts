import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startProductionTemporal } from '../../cluster/production-temporal.ts';
import { POSTGRES_URL } from './servers.ts';
import { shareTemporal, type SharedTemporal } from './shared-temporal.ts';
import { FORGET_SOON } from './temporal-server.ts';

/** For projects on Temporal's production server. They need PostgreSQL, and fail here where there is none. */
export function setup(project: TestProject): Promise<() => Promise<void>> {
  return shareTemporal(project, 'production', startProduction);
}

async function startProduction(): Promise<SharedTemporal> {
  const server = await startProductionTemporal({
    postgresUrl: POSTGRES_URL,
    dynamicSettings: FORGET_SOON,
  });
  const folder = path.dirname(server.logFile);
  // Without a Web UI: the links to it are only read.
  return { ...server, folder, uiUrl: 'http://127.0.0.1:8233' };
}
