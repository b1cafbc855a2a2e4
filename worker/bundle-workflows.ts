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
