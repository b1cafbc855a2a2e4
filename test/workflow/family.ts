import { expect } from 'vitest';
import type { Agent } from '../../agents/agent.ts';
import { leadAgent } from '../../agents/lead.ts';
import type { Tool } from '../../agents/tool.ts';
import type { LogEvent } from '../../contract/events.ts';
import type { Task } from '../../contract/wire.ts';
import type { Turn } from '../support/model-server.ts';
import type { Rig, StartBody } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { archiveOf } from './left-behind.ts';

/** Agents that speak by a script of their own each, and that a lead can start by their names. */
export interface Cast {
  agents: Agent[];
  /** Gives one of them its next script; its runs from now on use it. Returns the key at the model server. */
  direct(rig: Rig, name: string, ...turns: Turn[]): string;
}

/** `lead` is not among them: a test starts it with a model of its own. */
export function createCast(names: readonly string[], tools: readonly Tool[] = []): Cast {
  const agents = names.map((name): Agent => ({
    name,
    description: `Plays ${name}.`,
    instructions: 'Do what you are told.',
    tools: [...leadAgent.tools, ...tools],
  }));
  return {
    agents,
    direct(rig, name, ...turns) {
      const { model, key } = rig.script(...turns);
      const agent = agents.find((one) => one.name === name);
      if (!agent) throw new Error(`nobody plays ${name}`);
      agent.model = model;
      return key;
    },
  };
}

/** A step of a script: a tool call. */
export const call = (name: string, args: object = {}, id = `${name}_1`) => ({
  call: { id, name, arguments: args },
});

/** A call that starts one of the cast in the background, under its own name unless `args` say otherwise. */
export const inBackground = (agent: string, args: object = {}) =>
  call(
    'spawn_agent',
    { agent, input: 'Work.', background: true, name: agent, ...args },
    `spawn_${agent}`,
  );

/** Starts `lead`, or another agent, by this script. `key`: at the model server. */
export async function startLead(
  rig: Rig,
  turns: Turn[],
  body: Partial<StartBody> = {},
): Promise<{ id: string; key: string }> {
  const { model, key } = rig.script(...turns);
  const { id } = await rig.start({ agent: 'lead', model, input: 'Lead.', ...body });
  return { id, key };
}

/** What the nth prompt of a model holds behind the instructions, as `role: text`. */
export function promptOf(rig: Rig, key: string, n: number): string[] {
  const messages = rig.model.requests(key)[n - 1]?.body.messages ?? [];
  return messages.slice(1).map(({ role, content }) => `${role}: ${textIn(content)}`);
}

function textIn(content: unknown): string {
  if (!Array.isArray(content)) return String(content ?? '');
  return (content as { text: string }[]).map(({ text }) => text).join('');
}

/** The children of a task, oldest first. */
export async function childrenOf(rig: Rig, id: string): Promise<Task[]> {
  const path = `/v1/tasks?parent_task_id=${id}&order=asc&limit=100`;
  return (await rig.request<{ data: Task[] }>('GET', path)).body.data;
}

/** The child of that name, once it runs. */
export function untilRunning(rig: Rig, parentId: string, name: string): Promise<Task> {
  return eventually(
    async () =>
      (await childrenOf(rig, parentId)).find((task) => task.name === name && isRunning(task)),
    `${name} to run`,
  );
}

const isRunning = ({ status }: Task) => status === 'RUNNING';

/** Once a call of the run waits for its children: its activity is over, or was in the workflow run before this one. */
export async function untilWaiting({ client }: Pick<Rig, 'client'>, id: string): Promise<void> {
  const handle = client.workflow.getHandle(id);
  await eventually(async () => {
    const { events } = await handle.fetchHistory();
    const told = (events ?? []).flatMap((event) => [
      event.workflowExecutionStartedEventAttributes?.input,
      event.activityTaskCompletedEventAttributes?.result,
    ]);
    return told.some((said) => Buffer.from(said?.payloads?.[0]?.data ?? []).includes('"wait":'));
  }, 'a call that waits');
}

/** The entries of an ended task's log that are of these kinds. */
export async function entriesOf<T extends LogEvent['type']>(
  rig: Rig,
  id: string,
  ...types: T[]
): Promise<Extract<LogEvent, { type: T }>[]> {
  const log = await archiveOf(rig, id);
  return log.filter((event): event is Extract<LogEvent, { type: T }> =>
    (types as string[]).includes(event.type),
  );
}

/** Of the last call of an ended run, a wait for several children: which have ended and which not, by name. */
export async function endsOf(rig: Rig, id: string) {
  const results = await entriesOf(rig, id, 'turn.tool_result');
  const names = new Map((await childrenOf(rig, id)).map((child) => [child.id, child.name]));
  const { output, is_error } = results.at(-1)!.data;
  expect(is_error, String(output)).toBe(false);
  const { ended, running } = output as {
    ended: { task_id: string; status: string }[];
    running: string[];
  };
  return {
    ended: ended.map(({ task_id, status }) => [names.get(task_id), status]),
    running: running.map((task) => names.get(task)),
  };
}
