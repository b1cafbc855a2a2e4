import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { bundleWorkflows } from '../../worker/bundle-workflows.ts';
import { startTemporal, type TemporalServer } from './temporal-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of the Temporal server that all tests of this run share. */
    temporalAddress: string;
    temporalUiUrl: string;
    /** File with the code of `workflows/index.ts`: `workflowBundle: { codePath }` of a worker. */
    workflowBundlePath: string;
  }
}

interface Shared {
  server: TemporalServer;
  workflowBundlePath: string;
}

/** Projects load this file each for themselves, so what they share hangs on the process. */
const run = globalThis as { holdfastShared?: { projects: number; shared: Promise<Shared> } };

/** Starts what tests with Temporal share, for the first project that asks, and tells each where it is. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const first = (run.holdfastShared ??= { projects: 0, shared: startShared() });
  first.projects += 1;
  const { server, workflowBundlePath } = await first.shared;
  project.provide('temporalAddress', server.address);
  project.provide('temporalUiUrl', server.uiUrl);
  project.provide('workflowBundlePath', workflowBundlePath);
  return async () => {
    first.projects -= 1;
    if (first.projects === 0) await server.stop();
  };
}

async function startShared(): Promise<Shared> {
  const server = await startTemporal();
  try {
    return { server, workflowBundlePath: await writeBundle(server.dataDir) };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Once for all tests, because it takes seconds. */
async function writeBundle(folder: string): Promise<string> {
  const file = path.join(folder, 'workflows.js');
  await writeFile(file, await bundleWorkflows());
  return file;
}
