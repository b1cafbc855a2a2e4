import { startProcess, type Entry, type ServiceProcess } from './service-process.ts';

/** A process of the service, which comes and goes. */
export interface Part {
  /** Starts it where it is not up. */
  start(settings?: Record<string, string>): Promise<void>;
  /** Ends it where it is up, and tells its exit code; null where the signal ended it. */
  stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
  /** Its process id; null while it is not up. */
  pid(): number | null;
}

/** A part that is not up yet. Each start adds its own settings to those given here; what it says goes to `copy` too. */
export function createPart(
  entry: Entry,
  settings: Record<string, string>,
  copy?: NodeJS.WritableStream,
): Part {
  let running: Promise<ServiceProcess> | null = null;
  let pid: number | null = null;
  return {
    async start(more = {}) {
      running ??= startProcess(entry, { ...settings, ...more }, copy);
      ({ pid } = await running);
    },
    async stop(signal) {
      const stopping = await running?.catch(() => null);
      running = null;
      pid = null;
      return stopping ? stopping.end(signal) : null;
    },
    pid: () => pid,
  };
}
