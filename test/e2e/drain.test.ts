import { once } from 'node:events';
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openReader } from '../support/feed-reader.ts';
import { gate } from '../support/model-server.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { eventually } from '../support/within.ts';
import { scriptHalves } from './feed-runs.ts';

/** Long enough for all that a test asks meanwhile. */
const DRAIN_DELAY_MS = 8_000;
const JSON_TYPE = { 'Content-Type': 'application/json' };

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

/** A run that says its second half when the gate opens. */
async function startHalves() {
  const half = gate();
  const { model } = scriptHalves(rig, half, ['It is still ', 'said.']);
  const task = await rig.start({ input: 'Go.', model });
  return { half, path: `/v1/tasks/${task.id}/events` };
}

async function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return answer;
}

const readiness = async (url: string) => {
  const response = await fetch(`${url}/readyz`);
  return [response.status, await response.json()];
};

it('an API that drains is no longer ready, and goes on serving what comes and what streams', async () => {
  const { url, ...leaving } = await rig.startApi({ drainDelayMs: DRAIN_DELAY_MS });
  const { half, path } = await startHalves();
  const before = await openReader(url + path);
  await before.untilTrue(() => before.screen.text(1) === 'It is still ');
  expect(await readiness(url)).toMatchObject([200, { status: 'ready' }]);

  const left = leaving[Symbol.asyncDispose]();
  expect(await readiness(url)).toEqual([503, { status: 'shutting_down', checks: {} }]);
  const after = await openReader(url + path);
  half.open();
  for (const reader of [before, after]) {
    await reader.ended;
    expect(reader.screen.text(1)).toBe('It is still said.');
  }
  await left;
});

it('an API that drains ends each connection with the answer that it waits for', async () => {
  const { url, ...leaving } = await rig.startApi({ drainDelayMs: DRAIN_DELAY_MS });
  using agent = Object.assign(new Agent({ keepAlive: true, maxSockets: 1 }), {
    [Symbol.dispose]: () => agent.destroy(),
  });
  const idle = await answerTo(request(`${url}/healthz`, { agent }).end());
  const { socket } = idle;
  await text(idle);
  const begun = request(`${url}/v1/tasks`, { method: 'POST', headers: JSON_TYPE });
  begun.write('{"input":');
  await once(begun, 'socket');
  // It is under way once the API has taken a later request.
  await (await fetch(`${url}/healthz`)).text();

  const left = leaving[Symbol.asyncDispose]();
  const reused = await answerTo(request(`${url}/healthz`, { agent }).end());
  expect(reused.socket === socket).toBe(true);
  expect([reused.statusCode, reused.headers.connection]).toEqual([200, 'close']);
  begun.end('"Go."}');
  const finished = await answerTo(begun);
  expect(finished.statusCode).toBe(202);
  const last = finished.socket;
  await text(finished);
  await eventually(() => last.destroyed, 'its connection to end');
  // It was not cut by the end of the API, which is still there.
  expect((await readiness(url))[0]).toBe(503);
  await left;
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});
