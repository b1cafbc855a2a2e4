import type { LogEvent } from './events.ts';
import type { Usage } from './task.ts';
import type { Live } from './wire.ts';

/** Name of the query that reads a run's log. */
export const EVENTS_QUERY = 'events';

/** Asks a run for log entries with `seq > after`, up to about `maxBytes` of JSON, one at least. */
export interface EventsRequest {
  after: number;
  maxBytes: number;
}

/** What a run is doing, without its text: the text of the current step travels by heartbeat. */
export interface RunProgress extends Pick<Live, 'step' | 'attempt' | 'phase' | 'tool'> {
  progress: number;
  usage: Usage;
}

export interface EventsPage {
  /** The workflow run that answers. */
  runId: string;
  events: LogEvent[];
  /** First entry that this workflow run holds. What comes before it is in the store. */
  firstSeq: number;
  /** Newest entry of the log. */
  lastSeq: number;
  /** Of what this workflow run has appended, up to `lastSeq`; left out by 0.1.0. */
  digest?: string;
  /** The log has its terminal entry. */
  terminal: boolean;
  state: RunProgress;
}
