/** What a process is made of, closed in reverse order. */
export interface Running {
  /** Things to close, in the order in which they were opened. */
  opened: AsyncDisposable[];
  /** Settles when the process should end by itself; rejects where something broke. */
  ended?: Promise<void>;
}

/**
 * Runs a process until SIGINT, SIGTERM or its own end, then closes what it opened. A second signal ends it at once. Errors are
 * printed as one message, without a stack trace where they are the operator's to mend (`ConfigError`, `StoreInUse`, …).
 */
export async function runProcess(start: () => Promise<Running>): Promise<void> {
  const stop = Promise.withResolvers<void>();
  let signalled = false;
  const onSignal = () => {
    if (signalled) process.exit(1);
    signalled = true;
    stop.resolve();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const { opened, ended } = await start();
    try {
      await Promise.race([stop.promise, ...(ended ? [ended] : [])]);
    } finally {
      for (const one of opened.reverse()) await one[Symbol.asyncDispose]();
    }
  } catch (error) {
    const known = error instanceof Error && error.name !== 'Error' && error.name !== 'TypeError';
    process.stderr.write(`${known ? error.message : String((error as Error)?.stack ?? error)}\n`);
    process.exitCode = 1;
  }
  process.exit();
}
