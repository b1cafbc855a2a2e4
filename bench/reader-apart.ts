import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readRun } from './systems/holdfast.ts';
import { createTranscript } from './transcript.ts';

/** When a token was written by the model and read by the reader: `process.hrtime.bigint()`. */
export interface Arrival {
  sentAt: bigint;
  receivedAt: bigint;
}

interface Order {
  url: string;
  runId: string;
}

/**
 * Reads a run of Holdfast in a process of its own. Among a thousand readers of the load generator it tells how late the service is;
 * those tell how late the load generator is as well, which takes what arrives for them one after another.
 */
export async function readApart(order: Order): Promise<Arrival[]> {
  const child = fork(import.meta.filename, { serialization: 'advanced', execArgv: [] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = once(child, 'exit');
  try {
    child.send(order);
    const [arrivals] = (await Promise.race([once(child, 'message'), exited])) as [Arrival[]];
    if (!Array.isArray(arrivals)) throw new Error('the reader apart has ended early');
    return arrivals;
  } finally {
    await exited;
    process.off('exit', kill);
  }
}

async function read({ url, runId }: Order): Promise<Arrival[]> {
  const transcript = createTranscript();
  const arrivals: Arrival[] = [];
  for await (const chunk of readRun(url, runId, { signal: new AbortController().signal })) {
    const { receivedAt } = chunk;
    arrivals.push(...transcript.add(chunk).map(({ sentAt }) => ({ sentAt, receivedAt })));
  }
  return arrivals;
}

if (import.meta.main) {
  const [order] = (await once(process, 'message')) as [Order];
  const arrivals = await read(order);
  process.send?.(arrivals, () => process.exit());
}
