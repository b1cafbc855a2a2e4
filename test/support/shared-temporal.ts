import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { bundleWorkflows } from '../../worker/bundle-workflows.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of the Temporal server that all tests of this run share. */
    temporalAddress: string;
    temporalUiUrl: string;
    /** File with the code of `workflows/index.ts`: `workflowBundle: { codePath }` of a worker. */
    workflowBundlePath: string;
  }
}

/** A Temporal server for many tests. */
export interface SharedTemporal extends AsyncDisposable {
  address: string;
  uiUrl: string;
  /** Removed with the server. */
  folder: string;
}

interface Shared {
  projects: number;
  opened: Promise<{ temporal: SharedTemporal; workflowBundlePath: string }>;
}

/** Projects load a setup file each for themselves, so what they share hangs on the process. */
const run = globalThis as { holdfastShared?: Map<string, Shared> };

/** Opens what tests with Temporal share for the first project that asks, and tells each where it is. Gives its teardown. */
export async function shareTemporal(
  project: TestProject,
  kind: string,
  open: () => Promise<SharedTemporal>,
): Promise<() => Promise<void>> {
  run.holdfastShared ??= new Map();
  const shared = run.holdfastShared.get(kind) ?? { projects: 0, opened: openShared(open) };
  run.holdfastShared.set(kind, shared);
  shared.projects += 1;
  const { temporal, workflowBundlePath } = await shared.opened;
  project.provide('temporalAddress', temporal.address);
  project.provide('temporalUiUrl', temporal.uiUrl);
  project.provide('workflowBundlePath', workflowBundlePath);
  return async () => {
    shared.projects -= 1;
    if (shared.projects === 0) await temporal[Symbol.asyncDispose]();
  };
}

async function openShared(open: () => Promise<SharedTemporal>) {
  const temporal = await open();
  try {
    return { temporal, workflowBundlePath: await writeBundle(temporal.folder) };
  } catch (error) {
    await temporal[Symbol.asyncDispose]();
    throw error;
  }
}

/** Once for all tests, because it takes seconds. */
async function writeBundle(folder: string): Promise<string> {
  const file = path.join(folder, 'workflows.js');
  await writeFile(file, await bundleWorkflows());
  return file;
}
