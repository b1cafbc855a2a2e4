import { register } from '@prometheus-io/client';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../metrics/create-metrics.ts';
import { samplesOf } from '../../support/metrics.ts';

describe('the metrics of a process', () => {
  it('are named as Prometheus wants it: counters end in _total, times in _seconds', async () => {
    const all = await createMetrics().registry.getMetricsAsJSON();
    for (const { name, help, type } of all) {
      expect(name).toMatch(/^holdfast_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total'), name).toBe(String(type) === 'counter');
      expect(name.endsWith('_seconds'), name).toBe(String(type) === 'histogram');
      expect(help, name).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('are all there before anything has happened, at zero', async () => {
    const samples = samplesOf(await createMetrics().registry.metrics());
    expect(Object.keys(samples)).toEqual(
      expect.arrayContaining([
        'holdfast_end_commit_failures_total',
        'holdfast_tasks_ended_total{outcome="completed"}',
        'holdfast_tasks_ended_total{outcome="cancelled"}',
        'holdfast_store_errors_total{reason="unavailable"}',
        'holdfast_feed_streams',
      ]),
    );
    expect(new Set(Object.values(samples))).toEqual(new Set([0]));
  });

  it('know nothing of those of another service in the process, and stand in no list of all', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.tasksAccepted.inc();
    expect((await one.tasksAccepted.get()).values).toMatchObject([{ value: 1 }]);
    expect((await other.tasksAccepted.get()).values).toMatchObject([{ value: 0 }]);
    expect(register.getMetricsAsArray()).toEqual([]);
  });
});
