import { AGENT_RUN_WORKFLOW, SEARCH_ATTRIBUTES, TOOL_RUN_WORKFLOW } from './names.ts';
import { inputText, type TaskRecord, type TaskType } from './task.ts';
import { cutText } from './text.ts';

/** Most UTF-16 units of the input in the summary that the Web UI lists; the server's limit is 400 bytes. */
const SUMMARY_LENGTH = 90;

/** The workflow that carries out a task of this type. */
export const RUN_WORKFLOWS: Record<TaskType, string> = {
  agent_run: AGENT_RUN_WORKFLOW,
  tool_run: TOOL_RUN_WORKFLOW,
};

/**
 * How a task's workflow is started, by whoever starts it. The workflow id is the task id, a closed run is never started
 * again, and an open one is joined: any number of starters make one run.
 */
export function startOptions(task: TaskRecord, taskQueue: string) {
  const question = cutText(inputText(task.input).replaceAll(/\s+/g, ' ').trim(), SUMMARY_LENGTH);
  const conversation = task.conversation_id
    ? { [SEARCH_ATTRIBUTES.conversation]: [task.conversation_id] }
    : {};
  return {
    taskQueue,
    workflowId: task.id,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ taskId: task.id }],
    staticSummary: `${task.tool_call?.name ?? task.agent}: ${question}`,
    searchAttributes: {
      [SEARCH_ATTRIBUTES.agent]: [task.agent],
      [SEARCH_ATTRIBUTES.owner]: [task.owner],
      [SEARCH_ATTRIBUTES.status]: ['RUNNING'],
      ...conversation,
    },
  } as const;
}
