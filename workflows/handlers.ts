import { ApplicationFailure, condition, setHandler, workflowInfo } from '@temporalio/workflow';
import type { LogPlace, RunMessage, RunRefusal } from '../contract/run-messages.ts';
import { decide, decisionRefusal } from './approvals.ts';
import { takeNews } from './children.ts';
import { takeEmitted } from './emitted.ts';
import { ENDED, messageRefusal, takeMessage } from './inbox.ts';
import {
  approvalUpdate,
  childEndSignal,
  childEventsSignal,
  emitSignal,
  eventsQuery,
  messageUpdate,
} from './messages.ts';
import { readPage } from './read-page.ts';
import type { RunState } from './run-state.ts';

/** Answers whoever asks the run, and takes what is sent to it. */
export function handleCallers(run: RunState): void {
  const { runId } = workflowInfo();
  setHandler(eventsQuery, (request) => ({ runId, ...readPage(run, request) }));
  setHandler(messageUpdate, (message) => receive(run, message), {
    validator: (message) => refuse(messageRefusal(run, message)),
  });
  setHandler(approvalUpdate, (decision) => ({ seq: decide(run, decision) }), {
    validator: (decision) => refuse(decisionRefusal(run, decision)),
  });
  setHandler(childEventsSignal, (news) => takeNews(run, { kind: 'events', news }));
  setHandler(childEndSignal, (news) => takeNews(run, { kind: 'end', news }));
  setHandler(emitSignal, (emitted) => takeEmitted(run, emitted));
}

/** Waits where the run has not begun yet: no message stands before its first entry. */
async function receive(run: RunState, message: RunMessage): Promise<LogPlace> {
  const arrival = takeMessage(run, message);
  // A condition rejects in a run that was cancelled, also where it holds.
  if (arrival.seq === null) await condition(() => arrival.seq !== null || !run.inbox.open);
  if (arrival.seq === null) throw failureOf(ENDED);
  return { seq: arrival.seq };
}

function refuse(refusal: RunRefusal | null): void {
  if (refusal) throw failureOf(refusal);
}

function failureOf({ code, message }: RunRefusal): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code);
}
