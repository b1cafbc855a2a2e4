/**
 * Ends this process at SIGINT and SIGTERM, and where the process that forked it is gone, once what it has opened is closed: by
 * default a signal would leave processes and databases behind.
 */
export function closeOnSignal(opened: AsyncDisposable): void {
  let closing = false;
  const close = () => {
    // Several of these come together, and closing a second time would not wait for the first.
    if (closing) return;
    closing = true;
    void opened[Symbol.asyncDispose]()
      .then(undefined, console.error)
      .then(() => process.exit(1));
  };
  for (const event of ['SIGINT', 'SIGTERM', 'disconnect']) process.on(event, close);
}
