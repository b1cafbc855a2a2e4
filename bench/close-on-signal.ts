/**
 * Ends this process at SIGINT and SIGTERM, and where the process that forked it is gone, once what it has opened is closed: by
 * default a signal would leave processes and databases behind.
 */
export function closeOnSignal(opened: AsyncDisposable): void {
  let closing = false;
  const exit = () => process.exit(1);
  const close = () => {
    // Several of these come together, and closing a second time would not wait for the first.
    if (closing) return;
    closing = true;
    opened[Symbol.asyncDispose]().then(exit, exit);
  };
  for (const event of ['SIGINT', 'SIGTERM', 'disconnect']) process.on(event, close);
}
