import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Receipt } from '../../contract/wire.ts';
import { openRig, type Rig } from '../support/rig.ts';
import { startTemporal, type TemporalServer } from '../support/temporal-server.ts';
import { eventually } from '../support/within.ts';
import {
  expectCancelled,
  newConversation,
  PARTIAL,
  PATIENT,
  REST,
  streamingRun,
  untilHeartbeat,
} from './cancelled-run.ts';

describe('while Temporal is down', () => {
  let dataDir: string;
  let temporal: TemporalServer;
  let rig: Rig;
  /** Rounds of the reconciler in which it would have looked at the run. */
  let checks = 0;
  beforeAll(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'holdfast-down-'));
    temporal = await startTemporal({ dataDir });
    rig = await openRig({
      temporalAddress: temporal.address,
      // Longer than Temporal is ever down here: an attempt that outlives its time-out is made again.
      defaults: { heartbeatTimeoutMs: 60_000 },
      wrapStore: (store) => ({
        ...store,
        async dueChecks(_olderThanMs, limit) {
          const due = await store.dueChecks(0, limit);
          checks += due.length;
          return due;
        },
      }),
    });
  });
  afterAll(async () => {
    await rig[Symbol.asyncDispose]();
    await temporal.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const restart = async () => {
    temporal = await startTemporal({ dataDir, ports: temporal.ports });
  };

  it('C17 answers 202 cancelling, and the cancel happens when Temporal is back', async () => {
    const { id, key, conversation, reader } = await streamingRun(rig);
    await untilHeartbeat(rig, id);
    await temporal.stop();
    const { status, body } = await rig.request<Receipt>('POST', `/v1/tasks/${id}/cancel`, {
      reason: 'now',
    });
    expect({ status, outcome: body.outcome }).toEqual({ status: 202, outcome: 'cancelling' });
    await restart();
    await expectCancelled(rig, id, { partial: PARTIAL, reason: 'now', conversation, reader });
    expect(await rig.model.closed(key, 1)).toBe('client');
    expect(rig.model.calls(key)).toBe(1);
  });

  it('C17 accepts a start as PENDING, and runs it when Temporal is back', async () => {
    const { model, key } = rig.script([{ say: PARTIAL + REST }]);
    await temporal.stop();
    const { id, status } = await rig.start({
      input: 'How?',
      model,
      conversation_id: newConversation(),
    });
    expect(status).toBe('PENDING');
    await restart();
    expect(await rig.untilEnd(id)).toMatchObject({
      status: 'COMPLETED',
      output: { text: PARTIAL + REST },
    });
    expect(rig.model.calls(key)).toBe(1);
  });

  it('P3 ends nothing because Temporal cannot be reached', async () => {
    const { id } = await streamingRun(rig);
    await untilHeartbeat(rig, id);
    await temporal.stop();
    const before = checks;
    // A worker's call that does not reach Temporal takes about ten seconds.
    await eventually(() => checks > before, 'a round of the reconciler');
    await eventually(() => checks > before + 1, 'its next round');
    expect((await rig.get(id)).status).toBe('RUNNING');
    await restart();
    await rig.cancel(id, PATIENT);
    await expectCancelled(rig, id, { partial: PARTIAL });
  });
});
