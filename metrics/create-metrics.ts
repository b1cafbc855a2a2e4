import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { FAILURE_CODES } from '../contract/failures.ts';

/** What a process counts of its work. docs/operations.md says what each is for. */
export interface Metrics {
  /** All of them, to be read. Nothing is registered anywhere else. */
  readonly registry: Registry;
  readonly tasksAccepted: Counter;
  readonly tasksStarted: Counter;
  /** `outcome`: `completed`, or the failure's code. */
  readonly tasksEnded: Counter<'outcome'>;
  readonly endCommitFailures: Counter;
  /** `outcome`: that of the receipt, or of the call of a tool. */
  readonly cancelRequests: Counter<'outcome'>;
  /** In seconds. */
  readonly stopLatency: Histogram;
  readonly streams: Gauge;
  readonly hubs: Gauge;
  readonly framesSent: Counter;
  readonly deltasPublished: Counter;
  readonly relayErrors: Counter;
  /** `reason`: `unavailable`, or `failed` where it is no outage. */
  readonly storeErrors: Counter<'reason'>;
}

const CANCEL_OUTCOMES = ['cancelled', 'cancelling', 'already_terminal'];
const STOP_LATENCY_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Metrics that are all zero. Each process has one set; several in one process know nothing of each other. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  return { registry, ...ofTasks(registry), ...ofFeeds(registry), ...ofParts(registry) };
}

function ofTasks(registry: Registry) {
  const registers = [registry];
  return {
    tasksAccepted: new Counter({
      name: 'holdfast_tasks_accepted_total',
      help: 'Tasks that this process has accepted into the store.',
      registers,
    }),
    tasksStarted: new Counter({
      name: 'holdfast_tasks_started_total',
      help: 'Tasks that have begun to run here; again where a begin had to be repeated.',
      registers,
    }),
    tasksEnded: startingAtZero('outcome', ['completed', ...FAILURE_CODES], {
      name: 'holdfast_tasks_ended_total',
      help: 'Tasks whose end this process has stored, as completed or by failure code.',
      registers,
    }),
    endCommitFailures: new Counter({
      name: 'holdfast_end_commit_failures_total',
      help: 'Ends of tasks that could not be stored. Each is tried again until it is.',
      registers,
    }),
    cancelRequests: startingAtZero('outcome', CANCEL_OUTCOMES, {
      name: 'holdfast_cancel_requests_total',
      help: 'Cancels that callers and agents asked for, by the outcome that they were told.',
      registers,
    }),
    stopLatency: new Histogram({
      name: 'holdfast_cancel_stop_latency_seconds',
      help: 'Time from the recorded cancel of a running task to its stored end.',
      buckets: STOP_LATENCY_SECONDS,
      registers,
    }),
  };
}

function ofFeeds(registry: Registry) {
  const registers = [registry];
  return {
    streams: new Gauge({
      name: 'holdfast_feed_streams',
      help: 'Feeds that are being read as a stream now.',
      registers,
    }),
    hubs: new Gauge({
      name: 'holdfast_feed_hubs',
      help: 'Tasks that are being watched now, for readers and for callers who wait.',
      registers,
    }),
    framesSent: new Counter({
      name: 'holdfast_feed_frames_sent_total',
      help: 'Frames that were sent on streams: log entries, deltas, resets and snapshots.',
      registers,
    }),
  };
}

function ofParts(registry: Registry) {
  const registers = [registry];
  return {
    deltasPublished: new Counter({
      name: 'holdfast_relay_deltas_published_total',
      help: 'Pieces of text that running models said here, as handed to the relay.',
      registers,
    }),
    relayErrors: new Counter({
      name: 'holdfast_relay_errors_total',
      help: 'Lost connections and other trouble of the relay. Readers heal from the log.',
      registers,
    }),
    storeErrors: startingAtZero('reason', ['unavailable', 'failed'], {
      name: 'holdfast_store_errors_total',
      help: 'Calls of the store that failed because it was not available, or otherwise.',
      registers,
    }),
  };
}

/** A counter with a label whose values are known: a rate of what has never happened is then 0, and not absent. */
function startingAtZero<Label extends string>(
  label: Label,
  values: readonly string[],
  options: { name: string; help: string; registers: Registry[] },
): Counter<Label> {
  const counter = new Counter({ ...options, labelNames: [label] });
  for (const value of values) counter.labels(value).inc(0);
  return counter;
}
