import { expect, inject, it } from 'vitest';
import { measureApart } from '../../bench/measure-apart.ts';
import { startModel } from '../../bench/model/start-model.ts';

it('a scenario measures Holdfast around the scripted model, each in processes of its own', async () => {
  await using model = await startModel();
  const { figures } = await measureApart({
    scenario: 'delta',
    system: 'holdfast-embedded',
    size: { runs: 3, steps: 2, tokens: 10, intervalMs: 5 },
    environment: {
      modelUrl: model.url,
      temporalAddress: inject('temporalAddress'),
      // Not used: the store is within the process.
      postgresUrl: '',
      redisUrl: '',
    },
  });
  expect(figures).toMatchObject({ lost: 0, doubled: 0, idealS: 0.1 });
  for (const name of ['deltaP50Ms', 'wallS', 'bytesPerRun', 'memoryMaxMiB', 'cpuS']) {
    expect(figures[name]).toBeGreaterThan(0);
  }
});
