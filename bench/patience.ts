/** A signal that is aborted where nothing has renewed it for so long. */
export interface Patience extends Disposable {
  readonly signal: AbortSignal;
  renew(): void;
}

export function createPatience(patienceMs: number): Patience {
  const controller = new AbortController();
  const reason = new Error(`nothing has come for ${patienceMs / 1_000} s`);
  const timer = setTimeout(() => controller.abort(reason), patienceMs);
  return {
    signal: controller.signal,
    renew: () => void timer.refresh(),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
