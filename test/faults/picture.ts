import { openReader } from '../support/feed-reader.ts';
import { readLog } from './invariants.ts';
import type { Run } from './runs.ts';
import type { Service } from './service.ts';

/** All that can be read of ended runs: records, logs, feeds to the byte, conversations, idempotency keys, lists. */
export async function pictureOf(service: Service, ended: readonly Run[]): Promise<unknown> {
  const { client } = service;
  const ids = ended.map(({ taskId }) => taskId);
  const lists = await Promise.all(
    [
      { status: 'COMPLETED' as const },
      { failure: 'cancelled' as const },
      { order: 'asc' as const, status: ['COMPLETED', 'FAILED'] as const },
    ].map((filter) => client.list({ ...filter, limit: 100 })),
  );
  return {
    runs: await Promise.all(ended.map((run) => runOf(service, run))),
    lists: lists.map(({ data }) => data.filter(({ id }) => ids.includes(id))),
  };
}

async function runOf(service: Service, run: Run) {
  const { client, url } = service;
  const { taskId, conversationId } = run;
  const feed = await openReader(`${url}/v1/tasks/${taskId}/events`);
  await feed.ended;
  const last = feed.frames.at(-1)?.id;
  const atEnd = await openReader(`${url}/v1/tasks/${taskId}/events`, { cursor: last });
  const again = await client.start(run.request, { idempotencyKey: run.idempotencyKey });
  return {
    task: await client.get(taskId),
    ofConversation: await client.list({ conversation_id: conversationId }),
    messages: await client.messages(conversationId),
    log: await readLog(service, taskId),
    feed: feed.frames.map(({ id, raw }) => `${id} ${raw}`),
    atEnd: atEnd.status,
    again,
  };
}
