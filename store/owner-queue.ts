import { StoreUnavailable } from './errors.ts';

/** Who has waited for so long is refused: whoever asked may have given up, in milliseconds. */
const MAX_WAIT_MS = 10_000;

/** How items of one owner are worked on together. */
export interface Batching<Item, Result> {
  /** Whether the item may be worked on together with those before it. */
  goesWith(item: Item, before: readonly Item[]): boolean;
  /** What became of each item, in their order. */
  work(items: readonly Item[]): Promise<PromiseSettledResult<Result>[]>;
}

export interface OwnerQueue<Item, Result> {
  /** Works on the item in its turn, which it shares with those that wait right before it where they go together. */
  together(owner: string, item: Item): Promise<Result>;
  /** Does the work in its turn, by itself. */
  alone<T>(owner: string, work: () => Promise<T>): Promise<T>;
}

interface Waiting<Item, Result> extends PromiseWithResolvers<Result> {
  item: Item;
  queuedAt: number;
}

interface Turn<Item, Result> {
  /** Who shares the turn. Others may join until it is taken. */
  batch?: Waiting<Item, Result>[];
  /** Answers whoever waits for it; does not reject. */
  take(): Promise<void>;
}

/**
 * A queue for each owner. The lock of `lockOwner` sees to their turns for all processes; whoever waits for it here holds
 * no connection meanwhile, which others need. Rejects with `StoreUnavailable` where the turn does not come in time.
 */
export function createOwnerQueue<Item, Result>(
  batching: Batching<Item, Result>,
): OwnerQueue<Item, Result> {
  const queues = new Map<string, Turn<Item, Result>[]>();

  function add(owner: string, turn: Turn<Item, Result>): void {
    const queue = queues.get(owner);
    if (queue) queue.push(turn);
    else void takeTurns(owner, [turn]);
  }

  async function takeTurns(owner: string, queue: Turn<Item, Result>[]): Promise<void> {
    queues.set(owner, queue);
    for (let turn = queue.shift(); turn; turn = queue.shift()) await turn.take();
    queues.delete(owner);
  }

  return {
    together(owner, item) {
      const waiting = waitFor<Item, Result>(item);
      const last = queues.get(owner)?.at(-1)?.batch;
      if (last && batching.goesWith(item, last.map(itemOf))) {
        last.push(waiting);
      } else {
        const batch = [waiting];
        add(owner, { batch, take: () => answer(batch, (items) => batching.work(items)) });
      }
      return waiting.promise;
    },
    alone<T>(owner: string, work: () => Promise<T>) {
      const waiting = waitFor<typeof work, T>(work);
      add(owner, { take: () => answer([waiting], () => Promise.allSettled([work()])) });
      return waiting.promise;
    },
  };
}

function waitFor<Item, Result>(item: Item): Waiting<Item, Result> {
  return { item, queuedAt: performance.now(), ...Promise.withResolvers<Result>() };
}

function itemOf<Item>({ item }: { item: Item }): Item {
  return item;
}

/** Has the work done for those who have not waited for too long, and tells everyone what became of it. */
async function answer<Item, Result>(
  batch: readonly Waiting<Item, Result>[],
  work: Batching<Item, Result>['work'],
): Promise<void> {
  const inTime = batch.filter(isInTime);
  if (inTime.length === 0) return;
  try {
    const outcomes = await work(inTime.map(itemOf));
    inTime.forEach((waiting, place) => settle(waiting, outcomes[place]!));
  } catch (error) {
    for (const { reject } of inTime) reject(error);
  }
}

function settle<Item, Result>(
  { resolve, reject }: Waiting<Item, Result>,
  outcome: PromiseSettledResult<Result>,
): void {
  if (outcome.status === 'fulfilled') resolve(outcome.value);
  else reject(outcome.reason);
}

/** Refuses who has waited for too long. */
function isInTime<Item, Result>({ queuedAt, reject }: Waiting<Item, Result>): boolean {
  const late = performance.now() - queuedAt > MAX_WAIT_MS;
  if (late) {
    reject(new StoreUnavailable('The database did not take the work before this one in time.'));
  }
  return !late;
}
