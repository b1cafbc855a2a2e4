import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 5;

/** How late this process's timers are. A load generator or a model that is late measures itself. */
export interface LoopDelay {
  /** Since it was read the last time, in milliseconds. */
  read(): { p99Ms: number; maxMs: number };
}

export function watchLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  // What is recorded is the time between two ticks of a timer, its own interval included.
  const beyondTick = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  return {
    read() {
      const delay = {
        p99Ms: beyondTick(histogram.percentile(99)),
        maxMs: beyondTick(histogram.max),
      };
      histogram.reset();
      return delay;
    },
  };
}
