import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Answer, Measurement, Order } from './measure.ts';

/** A scenario that has not ended by then has hung. */
const LONGEST_MS = 600_000;
/** It closes what it has opened when it is told to end. */
const CLOSED_WITHIN_MS = 30_000;

/** Measures in a process of its own, so that no measurement finds the heap of another. Throws what went wrong there. */
export async function measureApart(order: Order): Promise<Measurement> {
  const child = fork(path.join(import.meta.dirname, 'measure.ts'), {
    serialization: 'advanced',
    execArgv: [],
  });
  const exited = once(child, 'exit');
  const kill = () => child.kill('SIGTERM');
  process.once('exit', kill);
  const limit = setTimeout(kill, LONGEST_MS);
  const hardLimit = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS + CLOSED_WITHIN_MS);
  try {
    child.send(order);
    const [answer] = (await Promise.race([once(child, 'message'), exited])) as [Answer | number];
    if (typeof answer !== 'object' || answer === null)
      throw new Error(`${order.scenario} of ${order.system} was ended`);
    if ('problem' in answer) throw new Error(answer.problem);
    return answer.measurement;
  } finally {
    await exited;
    clearTimeout(limit);
    clearTimeout(hardLimit);
    process.off('exit', kill);
  }
}
