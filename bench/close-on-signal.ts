/**
 * Ends this process at SIGINT and SIGTERM, and where the process that forked it is gone, once what it has opened is closed: by
 * default a signal would leave processes and databases behind.
 */
export function closeOnSignal(opened: AsyncDisposable): void {
  const close = () => {
    opened[Symbol.asyncDispose]().then(
      () => process.exit(1),
      () => process.exit(1),
    );
  };
  for (const event of ['SIGINT', 'SIGTERM', 'disconnect']) process.once(event, close);
}
