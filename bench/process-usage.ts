import { readFile } from 'node:fs/promises';

const KIB_PER_MIB = 1_024;
/** Clock ticks of /proc per second: `getconf CLK_TCK`, 100 on every Linux that is built today. */
const TICKS_PER_SECOND = 100;

/** Memory that processes hold by themselves and together with others, in MiB. */
export async function residentMiB(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const status = await readOrEmpty(`/proc/${pid}/status`);
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
    }),
  );
  return sum(sizes) / KIB_PER_MIB;
}

/** Processor time that processes have used so far, in milliseconds. */
export async function cpuMs(pids: readonly number[]): Promise<number> {
  const times = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readOrEmpty(`/proc/${pid}/stat`);
      // Behind the name, which may hold spaces: user and system time are fields 14 and 15 of proc(5).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    }),
  );
  return (sum(times) * 1_000) / TICKS_PER_SECOND;
}

/** Processor time that everything on the machine has used so far, in milliseconds. */
export async function machineCpuMs(): Promise<number> {
  const stat = await readOrEmpty('/proc/stat');
  // All processors together, proc_stat(5): user, nice, system, idle, iowait, irq, softirq; the time of guests is in user's.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
    stat.split('\n', 1)[0]?.split(/\s+/).slice(1).map(Number) ?? [];
  return (sum([user, nice, system, irq, softirq]) * 1_000) / TICKS_PER_SECOND;
}

/** Watches what processes use until it is stopped. Null: there are none. */
export async function watchUsage(pids: () => readonly number[], everyMs = 250) {
  const before = await cpuMs(pids());
  let maxMiB = await residentMiB(pids());
  const timer = setInterval(() => {
    void residentMiB(pids()).then((now) => {
      maxMiB = Math.max(maxMiB, now);
    });
  }, everyMs);
  return {
    async stop(): Promise<{ maxMiB: number | null; cpuMs: number | null }> {
      clearInterval(timer);
      if (pids().length === 0) return { maxMiB: null, cpuMs: null };
      return { maxMiB, cpuMs: (await cpuMs(pids())) - before };
    },
  };
}

/** A process that has ended uses nothing. */
function readOrEmpty(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
