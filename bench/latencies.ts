import { build, type Histogram } from 'hdr-histogram-js';

const LONGEST_US = 600_000_000;

/** Durations, with percentiles out of a histogram of three significant digits. */
export interface Latencies {
  readonly count: number;
  /** Throws where it is below 0: then something else was measured than was meant. */
  add(durationNs: bigint): void;
  /** In milliseconds; null where there was none. */
  percentile(percent: number): number | null;
  max(): number | null;
}

export function createLatencies(): Latencies {
  const histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_US,
    numberOfSignificantValueDigits: 3,
  });
  const orNull = (us: number) => (histogram.totalCount > 0 ? us / 1_000 : null);
  return {
    get count() {
      return histogram.totalCount;
    },
    add(durationNs) {
      if (durationNs < 0n) throw new Error(`it ended ${-durationNs} ns before it began`);
      histogram.recordValue(Math.min(Number(durationNs / 1_000n), LONGEST_US));
    },
    percentile: (percent) => orNull(histogram.getValueAtPercentile(percent)),
    max: () => orNull(histogram.maxValue),
  };
}
