import type { ChildProcess } from 'node:child_process';

/** Kills the process group that the child leads where this process ends ahead of it. */
export function endWithThisProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  const kill = () => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended at the same moment.
    }
  };
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
}
