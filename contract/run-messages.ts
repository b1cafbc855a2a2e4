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

/** Name of the update that writes to a run. */
export const MESSAGE_UPDATE = 'message';

/** A message to a run. `key` and `requestHash` tell a message that is sent again from another one under the same key. */
export interface RunMessage {
  text: string;
  from: string | null;
  key?: string;
  requestHash?: string;
}

/** Name of the update that decides on a call that waits for approval. */
export const APPROVAL_UPDATE = 'approval';

export interface ApprovalDecision {
  approvalId: string;
  approved: boolean;
  reason: string | null;
}

/** Name of the signal that brings what a tool call has emitted. */
export const EMIT_SIGNAL = 'emit';

/** What a tool says beside its result. */
export interface CustomEvent {
  event_type: string;
  payload: unknown;
}

/** Events of a call, in order. `from`: number of the first one, counted from 1 over the whole call. */
export interface EmittedEvents {
  step: number;
  callId: string;
  from: number;
  events: CustomEvent[];
}

/** Where something that reached a run stands in its log. */
export interface LogPlace {
  seq: number;
}

/** Types of the failures by which a run refuses an update; error codes of the API. */
export type RunRefusalCode =
  | 'task_terminated'
  | 'rate_limited'
  | 'idempotency_key_reused'
  | 'approval_not_found'
  | 'approval_resolved';

export interface RunRefusal {
  code: RunRefusalCode;
  message: string;
}

/** What a run is doing, without its text: the text of the current step travels by heartbeat. */
export interface RunProgress extends Pick<Live, 'step' | 'attempt' | 'phase' | 'tool'> {
  /** Left out by 0.1.0. */
  pending_approvals?: string[];
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
