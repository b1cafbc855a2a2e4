import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefused, invalid } from './routes-refusal.ts';
import { openRoutes, type RoutesFixture } from './routes-fixture.ts';

let routes: RoutesFixture;
let taskId: string;
beforeAll(async () => {
  routes = await openRoutes();
  taskId = (await routes.startTask({ conversation_id: 'conv_bad' })).id;
});
afterAll(() => routes[Symbol.asyncDispose]());

const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, '']));
const part = (text: unknown) => ({ type: 'text', text });

describe('POST /v1/tasks refuses', () => {
  it.each<[string, unknown, string]>([
    ['no body at all', {}, 'input'],
    ['null', null, ''],
    ['a list', [], ''],
    ['a text', '"input"', ''],
    ['an empty input', { input: '' }, 'input'],
    ['an input of another kind', { input: 7 }, 'input'],
    ['no parts', { input: [] }, 'input'],
    ['a part without text', { input: [{ type: 'text' }] }, 'input.0.text'],
    [
      'a part of another type',
      { input: [part('a'), { type: 'image', text: 'a' }] },
      'input.1.type',
    ],
    ['a part with more fields', { input: [{ ...part('a'), cache: true }] }, 'input.0.cache'],
    ['an input above the limit', { input: 'é'.repeat(131_073) }, 'input'],
    [
      'parts above the limit together',
      { input: [part('a'.repeat(200_000)), part('a'.repeat(100_000))] },
      'input',
    ],
    ['U+0000 in the input', { input: 'a\u0000b' }, 'input'],
    ['a lone surrogate in the input', { input: 'a\ud800' }, 'input'],
    ['U+0000 in a part', { input: [part('\u0000')] }, 'input.0.text'],
    ['U+0000 in the name', { input: 'a', name: '\u0000' }, 'name'],
    ['U+0000 in the description', { input: 'a', description: '\u0000' }, 'description'],
    ['U+0000 in the instructions', { input: 'a', instructions: '\u0000' }, 'instructions'],
    ['U+0000 in the agent', { input: 'a', agent: '\u0000' }, 'agent'],
    [
      'a lone surrogate in a metadata value',
      { input: 'a', metadata: { key: '\udfff' } },
      'metadata.key',
    ],
    ['U+0000 in a metadata key', { input: 'a', metadata: { 'a\u0000': '' } }, 'metadata.a\u0000'],
    ['an empty metadata key', { input: 'a', metadata: { '': '' } }, 'metadata.'],
    [
      'a long metadata key',
      { input: 'a', metadata: { ['k'.repeat(65)]: '' } },
      `metadata.${'k'.repeat(65)}`,
    ],
    ['a long metadata value', { input: 'a', metadata: { key: 'v'.repeat(513) } }, 'metadata.key'],
    ['a metadata value that is no text', { input: 'a', metadata: { key: 1 } }, 'metadata.key'],
    ['too many metadata keys', { input: 'a', metadata: many(17) }, 'metadata'],
    ['metadata that is a list', { input: 'a', metadata: [] }, 'metadata'],
    ['an empty name', { input: 'a', name: '' }, 'name'],
    ['a long name', { input: 'a', name: 'n'.repeat(65) }, 'name'],
    ['a model without a provider', { input: 'a', model: 'gpt' }, 'model'],
    ['a model with a space', { input: 'a', model: 'openai/gpt 5' }, 'model'],
    [
      'a conversation id of another shape',
      { input: 'a', conversation_id: 'conversation' },
      'conversation_id',
    ],
    [
      'a conversation id with U+0000',
      { input: 'a', conversation_id: 'conv_\u0000' },
      'conversation_id',
    ],
    ['an empty conversation id', { input: 'a', conversation_id: 'conv_' }, 'conversation_id'],
    ['a timeout of 0', { input: 'a', timeout_seconds: 0 }, 'timeout_seconds'],
    ['a timeout of more than a day', { input: 'a', timeout_seconds: 86_401 }, 'timeout_seconds'],
    ['a timeout with a fraction', { input: 'a', timeout_seconds: 1.5 }, 'timeout_seconds'],
    ['no steps', { input: 'a', max_steps: 0 }, 'max_steps'],
    ['too many steps', { input: 'a', max_steps: 10_001 }, 'max_steps'],
    ['another on_busy', { input: 'a', on_busy: 'wait' }, 'on_busy'],
    ['an id like those that are made here', { input: 'a', id: 'task_mine' }, 'id'],
    ["an id like a conversation's", { input: 'a', id: 'conv_mine' }, 'id'],
    ['an id like a feed', { input: 'a', id: 'events' }, 'id'],
    ['an id of an epoch', { input: 'a', id: 'order.e2' }, 'id'],
    ['an id with a colon', { input: 'a', id: 'order:2' }, 'id'],
    ['an empty id', { input: 'a', id: '' }, 'id'],
    ['a long id', { input: 'a', id: 'i'.repeat(129) }, 'id'],
    ['a parent without an id', { input: 'a', parent: {} }, 'parent.task_id'],
    ['a parent that is a text', { input: 'a', parent: 'task_x' }, 'parent'],
    [
      'a parent with more fields',
      { input: 'a', parent: { task_id: 'task_x', depth: 1 } },
      'parent.depth',
    ],
    [
      'U+0000 in the call of a parent',
      { input: 'a', parent: { task_id: 'task_x', call_id: '\u0000' } },
      'parent.call_id',
    ],
    [
      'a long agent of a parent',
      { input: 'a', parent: { task_id: 'task_x', agent_id: 'a'.repeat(257) } },
      'parent.agent_id',
    ],
    [
      'continue_from without a task',
      { input: 'a', continue_from: { partial: 'keep' } },
      'continue_from.task_id',
    ],
    [
      'continue_from of no task id',
      { input: 'a', continue_from: { task_id: 'task_\u0000', partial: 'keep' } },
      'continue_from.task_id',
    ],
    [
      'continue_from without what to do',
      { input: 'a', continue_from: { task_id: 'task_x' } },
      'continue_from.partial',
    ],
    ['detached without a conversation', { input: 'a', detached: true }, 'detached'],
    [
      'detached with on_busy',
      { input: 'a', conversation_id: 'conv_bad', detached: true, on_busy: 'enqueue' },
      'on_busy',
    ],
    [
      'detached with continue_from',
      {
        input: 'a',
        conversation_id: 'conv_bad',
        detached: true,
        continue_from: { task_id: 'task_x', partial: 'keep' },
      },
      'continue_from',
    ],
    ['a field nobody knows', { input: 'a', inputt: 'b' }, 'inputt'],
    ['a prototype', '{"input":"a","__proto__":{"x":1}}', '__proto__'],
    ['JSON that does not parse', '{"input":', ''],
    ['an empty text as JSON', '', ''],
  ])('%s', async (_what, body, path) => {
    await expectRefused(routes, await routes.post('/v1/tasks', body), invalid(path));
  });

  it.each<[string, string]>([
    ['an empty Idempotency-Key', ''],
    ['a long Idempotency-Key', 'k'.repeat(256)],
    ['an Idempotency-Key that is not ASCII', 'schl\u00fcssel'],
  ])('%s', async (_what, key) => {
    const response = await routes.post('/v1/tasks', { input: 'a' }, { 'Idempotency-Key': key });
    await expectRefused(routes, response, invalid('Idempotency-Key'));
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
  ])('a body of type %s', async (type) => {
    const response = await routes.post('/v1/tasks', { input: 'a' }, { 'Content-Type': type });
    await expectRefused(routes, response, [415, 'unsupported_media_type']);
  });

  it('a body above 1 MiB, whether its length is told or not', async () => {
    const body = JSON.stringify({ input: 'a'.repeat(1024 * 1024) });
    const told = await routes.post('/v1/tasks', body, { 'Content-Length': String(body.length) });
    await expectRefused(routes, told, [413, 'payload_too_large']);
    await expectRefused(routes, await routes.post('/v1/tasks', body), [413, 'payload_too_large']);
  });

  it('a query', async () => {
    await expectRefused(
      routes,
      await routes.post('/v1/tasks?dry_run=1', { input: 'a' }),
      invalid('dry_run'),
    );
  });
});

describe('other bodies', () => {
  it.each<[string, unknown, string]>([
    ['cancel', { wait_ms: 30_001 }, 'wait_ms'],
    ['cancel', { wait_ms: -1 }, 'wait_ms'],
    ['cancel', { scope: 'all' }, 'scope'],
    ['cancel', { reason: 'a\u0000' }, 'reason'],
    ['cancel', { reason: 7 }, 'reason'],
    ['cancel', { reasn: 'typo' }, 'reasn'],
    ['cancel', '[', ''],
  ])('%s refuses %j', async (_what, body, path) => {
    await expectRefused(
      routes,
      await routes.post(`/v1/tasks/${taskId}/cancel`, body),
      invalid(path),
    );
    expect((await routes.store.getTask(taskId))?.cancel_request).toBeNull();
  });

  it.each<[string, unknown, string]>([
    ['cancel', { wait_ms: 30_001 }, 'wait_ms'],
    ['cancel', { scope: 'tree' }, 'scope'],
    ['results/claim', {}, 'claim_id'],
    ['results/claim', { claim_id: '' }, 'claim_id'],
    ['results/claim', { claim_id: 'a\u0000' }, 'claim_id'],
    ['results/claim', { claim_id: 'a', limit: 0 }, 'limit'],
    ['results/claim', { claim_id: 'a', limit: 101 }, 'limit'],
  ])("a conversation's %s refuses %j", async (action, body, path) => {
    const response = await routes.post(`/v1/conversations/conv_bad/${action}`, body);
    await expectRefused(routes, response, invalid(path));
    expect((await routes.store.getTask(taskId))?.cancel_request).toBeNull();
  });

  it.each<[unknown, string]>([
    [{}, 'text'],
    [{ text: 'a\u0000' }, 'text'],
    [{ text: 't'.repeat(65_537) }, 'text'],
    [{ text: 'a', from: '' }, 'from'],
    [{ text: 'a', mode: 'at_once' }, 'mode'],
    [{ text: 'a', to: 'b' }, 'to'],
    ['nonsense', ''],
  ])('messages refuse %j', async (body, path) => {
    const response = await routes.post(`/v1/tasks/${taskId}/messages`, body);
    await expectRefused(routes, response, invalid(path));
  });

  it.each<[unknown, string]>([
    [{}, 'approved'],
    [{ approved: 'yes' }, 'approved'],
    [{ approved: true, reason: '\ud800' }, 'reason'],
    [{ approved: true, by: 'me' }, 'by'],
  ])('approvals refuse %j', async (body, path) => {
    const response = await routes.post(`/v1/tasks/${taskId}/approvals/appr_1`, body);
    await expectRefused(routes, response, invalid(path));
  });

  it.each<[unknown, string]>([
    [{ title: '\ud800' }, 'title'],
    [{ title: 't'.repeat(257) }, 'title'],
    [{ metadata: { key: '\u0000' } }, 'metadata.key'],
    [{ id: 'conv_mine' }, 'id'],
    ['nonsense', ''],
  ])('conversations refuse %j', async (body, path) => {
    await expectRefused(routes, await routes.post('/v1/conversations', body), invalid(path));
  });
});
