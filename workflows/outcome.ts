import type { FinishInput } from '../activities/types.ts';
import { cancelMessage, type FailureCode } from '../contract/failures.ts';

/** How a run ends. `error` is the cause's own text. */
export type Outcome =
  | { kind: 'completed' }
  | { kind: 'failed'; code: FailureCode; message: string; error: string }
  | { kind: 'cancelled' };

/** A failed outcome; the cause's own text is the message too unless one is given. */
export function failed(code: FailureCode, error: string, message = error): Outcome {
  return { kind: 'failed', code, message, error };
}

/** The outcome as the record takes it. The reason of a cancel stands in the row: the store adds it. */
export function endOf(outcome: Outcome): FinishInput['end'] {
  switch (outcome.kind) {
    case 'completed':
      return { status: 'COMPLETED' };
    case 'cancelled': {
      const message = cancelMessage(null);
      return { status: 'FAILED', code: 'cancelled', message, error: message };
    }
    case 'failed': {
      const { code, message, error } = outcome;
      return { status: 'FAILED', code, message, error };
    }
  }
}
