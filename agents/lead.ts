import type { Agent } from './agent.ts';
import { defaultAgent } from './default.ts';
import { cancelTask } from './tools/cancel-task.ts';
import { listTasks } from './tools/list-tasks.ts';
import { runInBackground } from './tools/run-in-background.ts';
import { sendMessage } from './tools/send-message.ts';
import { spawnAgent } from './tools/spawn-agent.ts';
import { waitForTasks } from './tools/wait-for-tasks.ts';

export const leadAgent: Agent = {
  name: 'lead',
  description:
    'An assistant that hands parts of its work to other agents and puts their results together.',
  instructions: [
    defaultAgent.instructions,
    'Where a piece of work falls into parts that do not need each other, start an agent for each with spawn_agent in the background, then wait_for_tasks. Agents that you start know nothing but the input that you give them.',
    'Their results are told to you as they come: put them together in an answer of your own. Cancel what is not needed any more.',
  ].join('\n'),
  tools: [
    ...defaultAgent.tools,
    spawnAgent,
    runInBackground,
    waitForTasks,
    sendMessage,
    cancelTask,
    listTasks,
  ],
};
