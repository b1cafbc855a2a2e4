import { Context } from '@temporalio/activity';

const BEAT_MS = 1_000;

/** The activity, with heartbeats while it works: a worker that is killed in it is noticed within its heartbeat time-out. */
export function withHeartbeat<Input, Result>(
  activity: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return async (input) => {
    const context = Context.current();
    // Within a workflow task there is nobody to heartbeat to.
    if (context.info.isLocal) return activity(input);
    const timer = setInterval(() => context.heartbeat(), BEAT_MS);
    try {
      return await activity(input);
    } finally {
      clearInterval(timer);
    }
  };
}
