import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import {
  CHILD_END_SIGNAL,
  CHILD_EVENTS_SIGNAL,
  type ChildEnd,
  type ChildEvents,
} from '../contract/children.ts';
import {
  APPROVAL_UPDATE,
  EMIT_SIGNAL,
  EVENTS_QUERY,
  MESSAGE_UPDATE,
  type ApprovalDecision,
  type EmittedEvents,
  type EventsPage,
  type EventsRequest,
  type LogPlace,
  type RunMessage,
} from '../contract/run-messages.ts';

export const eventsQuery = defineQuery<EventsPage, [EventsRequest]>(EVENTS_QUERY);
export const messageUpdate = defineUpdate<LogPlace, [RunMessage]>(MESSAGE_UPDATE);
export const approvalUpdate = defineUpdate<LogPlace, [ApprovalDecision]>(APPROVAL_UPDATE);
export const childEventsSignal = defineSignal<[ChildEvents]>(CHILD_EVENTS_SIGNAL);
export const childEndSignal = defineSignal<[ChildEnd]>(CHILD_END_SIGNAL);
export const emitSignal = defineSignal<[EmittedEvents]>(EMIT_SIGNAL);
