import { inspect } from 'node:util';

/**
 * Starts what a process is made of. Whatever is opened goes onto the stack at once; `stop` is aborted when the process is
 * told to end, also while it starts. Resolves with a promise that settles when the process should end by itself.
 */
export type Start = (
  opened: AsyncDisposableStack,
  stop: AbortSignal,
) => Promise<{ ended: Promise<void> } | void>;

/** Ctrl-C in a terminal comes twice where npm stands between: from the terminal, and passed on by npm. */
const SAME_SIGNAL_MS = 500;

/**
 * Runs a process until SIGINT, SIGTERM or its own end, then closes what it opened, last first. A second signal, half a
 * second later or more, ends it at once. Errors are printed as one message, without a stack trace where they are the operator's to mend
 * (`ConfigError`, `StoreInUse`, …).
 */
export async function runProcess(start: Start): Promise<void> {
  const stop = new AbortController();
  const stopped = Promise.withResolvers<void>();
  let firstAt = Infinity;
  const onSignal = () => {
    if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(1);
    if (stop.signal.aborted) return;
    firstAt = performance.now();
    stop.abort();
    stopped.resolve();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    await using opened = new AsyncDisposableStack();
    const running = await start(opened, stop.signal);
    await Promise.race([stopped.promise, ...(running ? [running.ended] : [])]);
  } catch (error) {
    if (!stop.signal.aborted) report(error);
  }
  process.exit();
}

function report(error: unknown): void {
  process.stderr.write(`${isOperators(error) ? error.message : inspect(error)}\n`);
  process.exitCode = 1;
}

/** Named errors of ours, and those of the system, such as a port that is taken. */
function isOperators(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return 'code' in error || !['Error', 'TypeError', 'RangeError'].includes(error.name);
}
