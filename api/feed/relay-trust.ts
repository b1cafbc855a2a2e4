import { RECONCILE_MS } from './pauses.ts';

/** What the relay brings joins on, so nothing was missing: the last look at the truth may be this old then, in milliseconds. */
const TRUSTED_LOOK_MS = 5_000;

/** When a process has last heard of the relay, for any task; `performance.now()`. */
export interface RelayPulse {
  heardAt: number;
}

/** Whether the relay serves a hub, so that it need not ask for the truth each time. */
export interface RelayTrust {
  /** The relay has brought what joins on. */
  heard(): void;
  /** The truth is looked at. */
  looked(): void;
  /** A look has found what the relay had not brought. */
  missed(): void;
  /** The relay lives, has missed nothing here since it was last heard, and the last look is not too old. */
  isWarranted(): boolean;
}

export function createRelayTrust(pulse: RelayPulse): RelayTrust {
  let lookedAt = performance.now();
  let hasMissed = false;
  return {
    heard() {
      pulse.heardAt = performance.now();
      hasMissed = false;
    },
    looked() {
      lookedAt = performance.now();
    },
    missed() {
      hasMissed = true;
    },
    isWarranted() {
      const now = performance.now();
      return !hasMissed && now - pulse.heardAt < RECONCILE_MS && now - lookedAt < TRUSTED_LOOK_MS;
    },
  };
}
