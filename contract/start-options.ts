import { AGENT_RUN_WORKFLOW, SEARCH_ATTRIBUTES, TOOL_RUN_WORKFLOW } from './names.ts';
import { inputText, type TaskRecord, type TaskType } from './task.ts';
import { cutBytes, cutText } from './text.ts';

/** Most UTF-16 units of the input in the summary that the Web UI lists, and most bytes of the whole: the server's limit. */
const QUESTION_LENGTH = 90;
const SUMMARY_BYTES = 400;

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
  const conversation = task.conversation_id
    ? { [SEARCH_ATTRIBUTES.conversation]: [task.conversation_id] }
    : {};
  return {
    taskQueue,
    workflowId: task.id,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [{ taskId: task.id }],
    staticSummary: summaryOf(task),
    searchAttributes: {
      [SEARCH_ATTRIBUTES.agent]: [task.agent],
      [SEARCH_ATTRIBUTES.owner]: [task.owner],
      [SEARCH_ATTRIBUTES.status]: ['RUNNING'],
      ...conversation,
    },
  } as const;
}

/** Who does what: `essay (default): Write …`, and without a name `default: Write …`. */
function summaryOf({ name, agent, tool_call, input }: TaskRecord): string {
  const doer = tool_call?.name ?? agent;
  const who = name === null ? doer : `${name} (${doer})`;
  const question = cutText(inputText(input).replaceAll(/\s+/g, ' ').trim(), QUESTION_LENGTH);
  return cutBytes(`${who}: ${question}`, SUMMARY_BYTES);
}
