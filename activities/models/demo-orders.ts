import type { WantedCall } from './demo-plan.ts';

const NAME = String.raw`[\w-]+`;
const ORDER = new RegExp(
  [
    String.raw`\bAsk (?<asked>${NAME})(?: \((?<agent>${NAME})\))?: "(?<input>[^"]+)"`,
    String.raw`\bTell (?<told>${NAME}): "(?<text>[^"]+)"`,
    String.raw`\bWait for (?<awaited>${NAME}(?: and ${NAME})*)`,
    String.raw`\bCancel (?<cancelled>${NAME})(?:: "(?<reason>[^"]+)")?`,
  ].join('|'),
  'g',
);

const ORDER_TOOLS = new Set(['spawn_agent', 'send_message', 'wait_for_tasks', 'cancel_task']);

/** Whether the tool is one of those by which orders are carried out. */
export function carriesOutOrders({ name }: { name: string }): boolean {
  return ORDER_TOOLS.has(name);
}

/**
 * The calls by which a lead does what it was told, in order. It understands these sentences: `Ask ann: "…"`, and
 * `Ask ann (default): "…"` to name the agent; `Tell ann: "…"`; `Wait for ann and bob`, `Wait for any`, `Wait for all`;
 * `Cancel ann`, and `Cancel ann: "…"` to say why.
 */
export function ordersIn(question: string): WantedCall[] {
  return [...question.matchAll(ORDER)].map(({ groups = {} }) => callFor(groups));
}

function callFor(groups: Record<string, string | undefined>): WantedCall {
  const { asked, agent, input, told, text, awaited, cancelled, reason } = groups;
  if (asked !== undefined) {
    const named = agent === undefined ? {} : { agent };
    return { name: 'spawn_agent', arguments: { name: asked, ...named, input, background: true } };
  }
  if (told !== undefined) return { name: 'send_message', arguments: { to: told, text } };
  if (cancelled !== undefined) {
    const why = reason === undefined ? {} : { reason };
    return { name: 'cancel_task', arguments: { task: cancelled, ...why } };
  }
  return { name: 'wait_for_tasks', arguments: waitFor(awaited ?? 'all') };
}

function waitFor(names: string): object {
  if (names === 'all') return {};
  if (names === 'any') return { until: 'any' };
  return { tasks: names.split(' and ') };
}
