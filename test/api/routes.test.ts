import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Taken, Task } from '../../contract/wire.ts';
import { openRoutes, type RoutesFixture } from './routes-fixture.ts';

let routes: RoutesFixture;
beforeAll(async () => {
  routes = await openRoutes();
});
afterAll(() => routes[Symbol.asyncDispose]());

const codeOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe('starting a task', () => {
  it('answers 202 with the task and where to find it', async () => {
    const response = await routes.post('/v1/tasks', {
      input: [{ type: 'text', text: 'Hello' }],
      name: 'greeter',
      description: 'says hello',
      metadata: { team: 'blue' },
      conversation_id: 'conv_start',
      timeout_seconds: 60,
      max_steps: 5,
      on_busy: 'reject',
    });
    expect(response.status).toBe(202);
    const task = (await response.json()) as Task;
    expect(response.headers.get('Location')).toBe(`/v1/tasks/${task?.id}`);
    expect(task).toMatchObject({
      object: 'task',
      type: 'agent_run',
      agent: 'default',
      status: 'PENDING',
      input: [{ type: 'text', text: 'Hello' }],
      name: 'greeter',
      description: 'says hello',
      metadata: { team: 'blue' },
      conversation_id: 'conv_start',
      live: null,
      workflow: {
        workflow_id: task.id,
        run_id: null,
        url: `http://127.0.0.1:8233/namespaces/default/workflows/${task.id}`,
      },
    });
    expect(task.id).toMatch(/^task_[A-Za-z0-9_-]{22}$/);
    expect(task).not.toHaveProperty('parent');
    expect(task).not.toHaveProperty('owner');
    const stored = await routes.store.getTask(task.id);
    expect(stored?.limits).toEqual({ timeout_seconds: 60, max_steps: 5 });
  });

  it('answers 200 with the same task for the same key and request, however its fields are ordered', async () => {
    const headers = { 'Idempotency-Key': 'order 66' };
    const first = await routes.post(
      '/v1/tasks',
      { input: 'a', metadata: { x: '1', y: '2' } },
      headers,
    );
    const again = await routes.post(
      '/v1/tasks',
      { metadata: { y: '2', x: '1' }, input: 'a' },
      headers,
    );
    expect([first.status, again.status]).toEqual([202, 200]);
    expect(((await again.json()) as Task).id).toBe(((await first.json()) as Task).id);
    const other = await routes.post('/v1/tasks', { input: 'b' }, headers);
    expect([other.status, await codeOf(other)]).toEqual([422, 'idempotency_key_reused']);
  });

  it('answers with the feed from its start where the caller accepts an event stream', async () => {
    const response = await routes.post(
      '/v1/tasks',
      { input: 'a' },
      { Accept: 'text/event-stream' },
    );
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toContain('text/event-stream');
    const { task, cursor, deltas } = routes.streams.at(-1)!;
    expect([cursor, deltas]).toEqual([undefined, true]);
    expect(response.headers.get('Location')).toBe(`/v1/tasks/${task?.id}`);
    expect(response.headers.get('X-Request-Id')).toBeTruthy();
  });

  it('refuses an unknown agent, a reserved name and a busy conversation', async () => {
    const agent = await routes.post('/v1/tasks', { input: 'a', agent: 'nobody' });
    expect([agent.status, await codeOf(agent)]).toEqual([404, 'agent_not_found']);
    for (const name of ['parent', 'self', 'all', 'broadcast']) {
      const reserved = await routes.post('/v1/tasks', { input: 'a', name });
      expect([reserved.status, await codeOf(reserved)]).toEqual([422, 'reserved_name']);
    }
    await routes.startTask({ conversation_id: 'conv_busy' });
    const second = { input: 'a', conversation_id: 'conv_busy', on_busy: 'reject' };
    const busy = await routes.post('/v1/tasks', second);
    expect([busy.status, await codeOf(busy)]).toEqual([409, 'conversation_busy']);
  });
});

describe('writing to a task', () => {
  it('answers 202 with the place in the log, and 409 with the status of a task that has ended', async () => {
    const { id } = await routes.startTask();
    const first = await routes.post(`/v1/tasks/${id}/messages`, { text: '', mode: 'next_step' });
    expect([first.status, await first.json()]).toEqual([202, { task_id: id, seq: 4 }]);
    await routes.post(`/v1/tasks/${id}/cancel`, {});
    const late = await routes.post(`/v1/tasks/${id}/messages`, { text: 'Hi' });
    expect([late.status, await late.json()]).toEqual([
      409,
      {
        error: expect.objectContaining({ code: 'task_terminated', details: { status: 'FAILED' } }),
      },
    ]);
  });

  it('answers 202 with the task that a message for after the run has started, again under its key', async () => {
    const { id } = await routes.startTask({ conversation_id: 'conv_after' });
    const body = { text: 'And then?', mode: 'after_run' };
    const key = { 'Idempotency-Key': 'after-1' };
    const first = await routes.post(`/v1/tasks/${id}/messages`, body, key);
    const taken = (await first.json()) as Taken;
    expect([first.status, taken.seq]).toEqual([202, 1]);
    expect(first.headers.get('Location')).toBe(`/v1/tasks/${taken.task_id}`);
    expect(await routes.store.getTask(taken.task_id)).toMatchObject({
      ...{ input: 'And then?', queued: 'in_order', conversation_id: 'conv_after' },
    });
    const again = await routes.post(`/v1/tasks/${id}/messages`, body, key);
    expect([again.status, await again.json()]).toEqual([202, taken]);
    const other = await routes.post(`/v1/tasks/${taken.task_id}/messages`, body, key);
    expect([other.status, await codeOf(other)]).toEqual([422, 'idempotency_key_reused']);
  });

  it('answers 404 for a task of another conversation, or without one', async () => {
    const { id } = await routes.startTask({ conversation_id: 'conv_mine' });
    const { id: alone } = await routes.startTask();
    for (const one of [id, alone, 'task_absent', 'nonsense']) {
      const path = `/v1/tasks/${one}/messages?conversation_id=conv_other`;
      const response = await routes.post(path, { text: 'Hi' });
      expect([response.status, await codeOf(response)]).toEqual([404, 'task_not_found']);
    }
  });
});

describe('approving', () => {
  it('answers 200 with the place in the log, and 404 for an approval that does not exist', async () => {
    const { id } = await routes.startTask();
    const decided = await routes.post(`/v1/tasks/${id}/approvals/appr_1`, { approved: true });
    expect([decided.status, await decided.json()]).toEqual([200, { task_id: id, seq: 5 }]);
    const absent = await routes.post(`/v1/tasks/${id}/approvals/appr_2`, { approved: true });
    expect([absent.status, await codeOf(absent)]).toEqual([404, 'approval_not_found']);
    const foreign = await routes.post('/v1/tasks/task_x/approvals/appr_1', { approved: true });
    expect([foreign.status, await codeOf(foreign)]).toEqual([404, 'task_not_found']);
  });
});

describe('cancelling', () => {
  it('answers 200 with a receipt, without a body too, and again after the end', async () => {
    const { id } = await routes.startTask();
    const first = await routes.app.request(`/v1/tasks/${id}/cancel`, { method: 'POST' });
    expect([first.status, await first.json()]).toEqual([
      200,
      expect.objectContaining({ outcome: 'cancelled' }),
    ]);
    const second = await routes.post(`/v1/tasks/${id}/cancel`, {
      reason: 'again',
      scope: 'tree',
      wait_ms: 0,
    });
    expect([second.status, await second.json()]).toEqual([
      200,
      expect.objectContaining({ outcome: 'already_terminal' }),
    ]);
  });

  it('answers 202 while the end is not known, and 404 for what does not exist', async () => {
    const { id } = await routes.startTask();
    await routes.store.beginTask(id, 'run-3');
    const response = await routes.post(`/v1/tasks/${id}/cancel`, { reason: 'enough' });
    expect([response.status, await response.json()]).toEqual([
      202,
      expect.objectContaining({ outcome: 'cancelling' }),
    ]);
    expect((await routes.store.getTask(id))?.cancel_request).toMatchObject({
      by: 'local',
      reason: 'enough',
    });
    const absent = await routes.post(`/v1/tasks/task_${'0'.repeat(32)}/cancel`, {});
    expect([absent.status, await codeOf(absent)]).toEqual([404, 'task_not_found']);
  });
});
