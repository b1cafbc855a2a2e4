import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startProductionTemporal } from '../../cluster/production-temporal.ts';
import { openRelay } from '../../relay/open-relay.ts';
import { POSTGRES_URL, REDIS_URL } from './servers.ts';
import { shareTemporal, type SharedTemporal } from './shared-temporal.ts';
import { FORGET_SOON } from './temporal-server.ts';

/** For projects on Temporal's production server. Fails where that, PostgreSQL or the project's relay cannot be had. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (project.getProvidedContext().clusterRelay === 'redis') {
    await (await openRelay({ relayUrl: REDIS_URL }))[Symbol.asyncDispose]();
  }
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
