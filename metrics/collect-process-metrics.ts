import { collectDefaultMetrics } from '@prometheus-io/client';
import type { Metrics } from './create-metrics.ts';

/**
 * Adds what is known of the process itself: CPU, memory, event loop, garbage collection. For the processes alone, once: what
 * it observes, it observes until the process ends.
 */
export function collectProcessMetrics({ registry }: Metrics): void {
  collectDefaultMetrics({ register: registry });
}
