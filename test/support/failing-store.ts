import { StoreUnavailable } from '../../store/errors.ts';
import type { Store } from '../../store/store.ts';

/** A store that can be taken down: every call is then refused, as if its database had gone. */
export interface SwitchedStore {
  down: boolean;
  /** For `wrapStore` of a rig. */
  wrap(store: Store): Store;
}

export function switchedStore(): SwitchedStore {
  const wrapped: SwitchedStore = {
    down: false,
    wrap: (store) =>
      new Proxy(store, {
        get(target, name) {
          const method: unknown = Reflect.get(target, name);
          if (typeof method !== 'function' || typeof name === 'symbol') return method;
          return (...args: unknown[]): unknown =>
            wrapped.down
              ? Promise.reject(new StoreUnavailable('the store is down'))
              : method.apply(target, args);
        },
      }),
  };
  return wrapped;
}
