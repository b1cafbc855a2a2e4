import { defineQuery } from '@temporalio/workflow';
import { EVENTS_QUERY, type EventsPage, type EventsRequest } from '../contract/run-messages.ts';

export const eventsQuery = defineQuery<EventsPage, [EventsRequest]>(EVENTS_QUERY);
