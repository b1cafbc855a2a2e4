import { mkdir, writeFile } from 'node:fs/promises';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { workflowsPath } from './worker-options.ts';

/** The code of all workflows as workers take it: `HOLDFAST_WORKFLOW_BUNDLE`. It takes seconds. */
export async function bundleWorkflows(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: workflowsPath(),
    logger: new DefaultLogger('WARN'),
  });
  return code;
}

/** `npm run bundle`: for workers that start with a bundle, in `dist/workflows.js`. */
async function main(): Promise<void> {
  await mkdir(new URL('../dist/', import.meta.url), { recursive: true });
  await writeFile(new URL('../dist/workflows.js', import.meta.url), await bundleWorkflows());
}

if (import.meta.main) await main();
