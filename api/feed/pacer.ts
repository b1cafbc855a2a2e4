/** A pause that can be cut short. One at a time. */
export interface Pacer {
  /** Waits `ms`, or less. True: it took its full time. */
  pause(ms: number): Promise<boolean>;
  /** Ends the pause within `ms` from now; 0: at once. Asked for outside of a pause, it holds for the next one. */
  hasten(ms: number): void;
}

export function createPacer(): Pacer {
  let soonest = Infinity;
  let rearm: (() => void) | null = null;
  return {
    async pause(ms) {
      const end = performance.now() + ms;
      await new Promise<void>((resolve) => {
        let timer: NodeJS.Timeout | undefined;
        rearm = () => {
          clearTimeout(timer);
          const leftMs = Math.min(end, soonest) - performance.now();
          if (leftMs <= 0) resolve();
          else timer = setTimeout(resolve, leftMs);
        };
        rearm();
      });
      rearm = null;
      const full = soonest >= end;
      soonest = Infinity;
      return full;
    },
    hasten(ms) {
      const at = performance.now() + ms;
      if (at >= soonest) return;
      soonest = at;
      rearm?.();
    },
  };
}
