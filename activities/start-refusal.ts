import { StoreRefusal } from '../store/refusal.ts';

/** Why the record refuses a task that a call starts, in words that tell the model what to do. Other errors are left as they are. */
export function startRefusal(error: unknown): unknown {
  if (!(error instanceof StoreRefusal)) return error;
  switch (error.code) {
    case 'name_taken':
      return new Error(`${error.message}: choose another name.`);
    case 'tree_too_deep':
      return new Error('You are too far below the first task to start others: do it yourself.');
    case 'tree_budget_exceeded':
      return new Error(`${error.message}: go on with what you have, or do it yourself.`);
    default:
      return error;
  }
}
