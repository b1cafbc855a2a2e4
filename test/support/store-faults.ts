import type { Database } from '../../store/database.ts';
import { StoreUnavailable } from '../../store/errors.ts';
import type { Store } from '../../store/store.ts';

export type StoreMethod = Exclude<keyof Store, symbol>;

/** Makes a store fail. What fails throws `StoreUnavailable`, as it does where the database is lost. */
export interface StoreFaults {
  /** The store with the faults, for `wrapStore` of a rig. */
  wrap(store: Store): Store;
  /** The database with the faults, for `createStore`: needed for `loseCommits` alone. */
  wrapDatabase(database: Database): Database;
  /** The next `times` calls of the method fail before anything of them is done. Left out: until `heal`. */
  refuse(method: StoreMethod, times?: number): void;
  /** The next `times` calls of the method do all that they should, commit, and report failure all the same. */
  deny(method: StoreMethod, times?: number): void;
  /** Every call is refused, as if the database had gone. */
  refuseAll(): void;
  /** Every transaction does all of its work, and is then rolled back. */
  loseCommits(): void;
  /** From now on nothing fails. */
  heal(): void;
  /** Calls of the method that have failed since `refuse` or `deny` was last said of it. */
  hits(method: StoreMethod): number;
}

/** What the errors say, and so `live.persistence_error`. */
export const REFUSED = 'the disk is full';
export const DENIED = 'the answer was lost';
export const COMMIT_LOST = 'lost ahead of the commit';

interface Fault {
  kind: 'refuse' | 'deny';
  left: number;
}

export function createStoreFaults(): StoreFaults {
  const faults = new Map<string, Fault>();
  const hits = new Map<string, number>();
  const all = { refused: false, commitsLost: false };

  function set(method: StoreMethod, fault: Fault): void {
    faults.set(method, fault);
    hits.set(method, 0);
  }

  /** Whether this call of the method fails, and how. */
  function strike(method: string): Fault['kind'] | null {
    if (all.refused) return 'refuse';
    const fault = faults.get(method);
    if (!fault || fault.left === 0) return null;
    fault.left -= 1;
    hits.set(method, (hits.get(method) ?? 0) + 1);
    return fault.kind;
  }

  async function call(method: string, work: () => unknown): Promise<unknown> {
    const kind = strike(method);
    if (kind === 'refuse') throw new StoreUnavailable(REFUSED);
    const result = await work();
    if (kind === 'deny') throw new StoreUnavailable(DENIED);
    return result;
  }

  return {
    wrap: (store) =>
      new Proxy(store, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function' || typeof name === 'symbol') return member;
          return (...args: unknown[]) => call(name, () => member.apply(target, args) as unknown);
        },
      }),
    wrapDatabase: (database) => ({
      ...database,
      transaction: (work) =>
        database.transaction(async (tx) => {
          const result = await work(tx);
          if (all.commitsLost) throw new StoreUnavailable(COMMIT_LOST);
          return result;
        }),
    }),
    refuse: (method, times = Infinity) => set(method, { kind: 'refuse', left: times }),
    deny: (method, times = Infinity) => set(method, { kind: 'deny', left: times }),
    refuseAll: () => void (all.refused = true),
    loseCommits: () => void (all.commitsLost = true),
    heal() {
      faults.clear();
      Object.assign(all, { refused: false, commitsLost: false });
    },
    hits: (method) => hits.get(method) ?? 0,
  };
}
