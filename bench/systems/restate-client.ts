import { modelName } from '../model-spec.ts';
import { openSse } from '../sse.ts';
import type { Chunk, OpenSystem } from '../system.ts';
import { ask } from './ask.ts';

export interface RestateUrls {
  ingress: string;
  admin: string;
  /** Of `bench/peers/restate/readers.ts`. */
  readers: string;
}

type RestateClient = Pick<OpenSystem, 'start' | 'read' | 'cancel' | 'record'>;

/** A message of a run's topic. */
interface Message {
  text?: string;
  end?: true;
}

/** A row of `sys_invocation`. */
interface Invocation {
  id: string;
  status: string;
  completion_result?: string;
  completion_failure?: string;
}

/** Speaks to Restate: starts at its ingress, cancels at its admin API, and reads where the application serves topics. A run's id is the workflow's key. */
export function createRestateClient({ ingress, admin, readers }: RestateUrls): RestateClient {
  const find = async (key: string) => {
    const query = `SELECT id, status, completion_result, completion_failure FROM sys_invocation WHERE target_service_name = 'agent' AND target_service_key = '${key}'`;
    const { rows } = await ask<{ rows: Invocation[] }>(`${admin}/query`, { query });
    if (!rows[0]) throw new Error(`Restate has no run ${key}`);
    return rows[0];
  };
  return {
    async start(spec, signal) {
      const runId = spec.key;
      await ask(`${ingress}/restate/send/agent/${runId}/run`, { model: modelName(spec) });
      return { runId, chunks: readTopic(`${readers}/pubsub/${runId}`, 0, signal) };
    },
    read: (runId, { after, signal }) =>
      readTopic(`${readers}/pubsub/${runId}`, Number(after ?? 0), signal),
    async cancel(runId) {
      const target = { target: 'workflow', workflowName: 'agent', workflowKey: runId };
      const { invocationId } = await ask<{ invocationId: string }>(
        `${ingress}/restate/lookup`,
        target,
      );
      const url = `${admin}/invocations/${invocationId}/cancel`;
      const { ok, status } = await fetch(url, { method: 'PATCH' });
      if (!ok) throw new Error(`${url} answers ${status}`);
    },
    async record(runId) {
      const {
        id,
        status,
        completion_result: result,
        completion_failure: failure,
      } = await find(runId);
      const text =
        result === 'success'
          ? await ask<string>(`${ingress}/restate/output/${id}`)
          : await pullAll(`${ingress}/restate/call/pubsub/${runId}/pull`);
      return { status: [status, result, failure].filter(Boolean).join(', '), text };
    },
  };
}

/** The stream of a topic has no ids: a reader counts its messages, and asks for those behind them. It does not end either: the last message tells. */
async function* readTopic(url: string, offset: number, signal: AbortSignal): AsyncGenerator<Chunk> {
  const { status, events } = await openSse(`${url}?offset=${offset}`, { signal });
  if (status !== 200) throw new Error(`the topic answers ${status}`);
  for await (const { data, bytes, receivedAt } of events) {
    const { text = '', end } = JSON.parse(data) as Message;
    offset += 1;
    yield { id: String(offset), text, bytes, receivedAt };
    if (end) return;
  }
}

async function pullAll(url: string): Promise<string> {
  const { messages } = await ask<{ messages: Message[] }>(url, { offset: 0 });
  return messages.map(({ text = '' }) => text).join('');
}
