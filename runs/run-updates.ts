import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { LRUCache } from 'lru-cache';
import pLimit, { type LimitFunction } from 'p-limit';
import {
  APPROVAL_UPDATE,
  MESSAGE_UPDATE,
  type ApprovalDecision,
  type LogPlace,
  type RunMessage,
  type RunRefusalCode,
} from '../contract/run-messages.ts';

/**
 * Deadline of an update, in milliseconds: where the worker that carried a run was killed, Temporal gives the run to another
 * one after five seconds.
 */
const UPDATE_MS = 8_000;
/**
 * Updates of one run that are on their way at once. Temporal refuses an eleventh, and tries of it again come later and later:
 * https://docs.temporal.io/self-hosted-guide/defaults
 */
const MAX_IN_FLIGHT = 10;
/** Runs whose updates are counted: those that were written to last. */
const MAX_COUNTED = 1_000;

/** What a run made of an update. */
export type Updated =
  | { kind: 'taken'; place: LogPlace }
  | { kind: 'refused'; code: RunRefusalCode; message: string }
  /** There is no open run. */
  | { kind: 'absent' }
  /** Nobody has answered in time: it is not known whether the run will take it. */
  | { kind: 'unanswered' };

/** What reaches into running runs. */
export interface RunUpdates {
  /** The same `updateId` again is the same message. */
  message(taskId: string, message: RunMessage, updateId: string): Promise<Updated>;
  decide(taskId: string, decision: ApprovalDecision): Promise<Updated>;
}

export function createRunUpdates(client: () => Client): RunUpdates {
  const turns = new LRUCache<string, LimitFunction>({
    max: MAX_COUNTED,
    memoMethod: () => pLimit(MAX_IN_FLIGHT),
  });

  async function update<Arg>(taskId: string, name: string, sent: { arg: Arg; updateId: string }) {
    const { arg, updateId } = sent;
    const temporal = client();
    const handle = temporal.workflow.getHandle(taskId);
    // The wait for its turn is part of the time that an update has.
    const deadline = Date.now() + UPDATE_MS;
    try {
      const place = await turns.memo(taskId)(() =>
        temporal.withDeadline(deadline, () =>
          handle.executeUpdate<LogPlace, [Arg]>(name, { args: [arg], updateId }),
        ),
      );
      return { kind: 'taken', place } as const;
    } catch (error) {
      return outcomeOf(error);
    }
  }

  return {
    message: (taskId, arg, updateId) => update(taskId, MESSAGE_UPDATE, { arg, updateId }),
    decide: (taskId, arg) => update(taskId, APPROVAL_UPDATE, { arg, updateId: randomUUID() }),
  };
}

function outcomeOf(error: unknown): Updated {
  if (error instanceof WorkflowNotFoundError) return { kind: 'absent' };
  if (!(error instanceof WorkflowUpdateFailedError)) return { kind: 'unanswered' };
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure) || !isRefusal(cause.type)) return { kind: 'absent' };
  return { kind: 'refused', code: cause.type, message: cause.message };
}

const REFUSALS: Record<RunRefusalCode, true> = {
  task_terminated: true,
  rate_limited: true,
  idempotency_key_reused: true,
  approval_not_found: true,
  approval_resolved: true,
};

function isRefusal(type: string | null | undefined): type is RunRefusalCode {
  return typeof type === 'string' && Object.hasOwn(REFUSALS, type);
}
