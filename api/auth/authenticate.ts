import type { Context, MiddlewareHandler } from 'hono';
import { LOCAL_OWNER } from '../../contract/names.ts';
import type { Scope } from '../../contract/scopes.ts';
import { isTaskId } from '../../contract/task-id.ts';
import { hashKey } from '../../store/api-keys.ts';
import type { LiveKey } from '../../store/key-store.ts';
import type { Store } from '../../store/store.ts';
import { asksForFeed } from '../accept.ts';
import type { ApiEnv } from '../dependencies.ts';
import { ApiError } from '../errors.ts';
import { recordId } from '../own-task.ts';
import { refusePassing } from '../passing.ts';
import type { Keyring } from './keyring.ts';
import { scopeOf } from './scope-of.ts';
import { keyIdOf, opensFeed } from './stream-token.ts';

/** Who asks. */
export interface Caller {
  owner: string;
  /** Null while there are no keys. */
  key: LiveKey | null;
  /** Whether a feed that was opened may go on. Asked again and again while it is read. */
  mayRead(): boolean;
}

interface AuthenticateOptions {
  keyring: Keyring;
  store: Pick<Store, 'getTask' | 'newestEpoch'>;
}

const BEARER = /^Bearer +(\S+) *$/i;
const FEED_OF_TASK = /^\/v1\/tasks\/([^/]+)\/events$/;
/** Everything, while nobody has made a key. */
const LOCAL: Caller = { owner: LOCAL_OWNER, key: null, mayRead: () => true };

/**
 * Says whose request it is: the one place that does. A request with a key is its owner's, one without is `local`'s while there
 * are no keys. Throws `unauthenticated`, and `forbidden` where the key is not for this.
 */
export function authenticate(options: AuthenticateOptions): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const scope = scopeOf(c.req.method, c.req.path);
    if (scope !== 'open') {
      try {
        const caller = await callerOf(c, scope, options);
        c.set('owner', caller.owner);
        c.set('caller', caller);
      } catch (error) {
        if (!asksForFeed(c)) throw error;
        return refusePassing(error);
      }
    }
    await next();
  };
}

/** While there are no keys the guard says who may come. What is open to all does not wait for the store to tell. */
export function guardWhileKeyless(keyring: Keyring, guard: MiddlewareHandler): MiddlewareHandler {
  return async (c, next) => {
    const isOpen = scopeOf(c.req.method, c.req.path) === 'open';
    const keyless = isOpen ? keyring.seemsKeyless() : await keyring.keyless();
    return keyless ? guard(c, next) : next();
  };
}

async function callerOf(
  c: Context<ApiEnv>,
  scope: Scope,
  { keyring, store }: AuthenticateOptions,
): Promise<Caller> {
  const bearer = BEARER.exec(c.req.header('Authorization') ?? '')?.[1];
  if (bearer !== undefined) {
    // The metrics are wanted most while the store is away.
    const key = await keyring.find({ hash: hashKey(bearer) }, { orRemembered: scope === 'admin' });
    if (!key) throw unauthenticated('This API key is not known here, or it was revoked.');
    demandScope(key, scope);
    return { owner: key.owner, key, mayRead: keyring.watch(key) };
  }
  if (await keyring.keyless()) return LOCAL;
  const token = c.req.query('access_token');
  const taskId = FEED_OF_TASK.exec(c.req.path)?.[1];
  if (token === undefined || taskId === undefined || scope !== 'tasks:read') {
    throw unauthenticated('An API key is needed: send it as Authorization: Bearer <key>.');
  }
  const key = await findKeyOf(token, { keyring, store, taskId });
  if (!key) throw unauthenticated('This stream token is not for this feed, or it has expired.');
  return { owner: key.owner, key, mayRead: keyring.watch(key) };
}

/** The key on whose behalf the token reads the task's feed. */
async function findKeyOf(
  token: string,
  { keyring, store, taskId }: AuthenticateOptions & { taskId: string },
): Promise<LiveKey | null> {
  const id = keyIdOf(token);
  const key = id === null ? null : await keyring.find({ id });
  const mayExist = key !== null && isTaskId(taskId);
  const task = mayExist ? await store.getTask(await recordId(store, taskId), key.owner) : null;
  return key && task && opensFeed(token, key, task) ? key : null;
}

function demandScope({ scopes }: LiveKey, scope: Scope): void {
  if (scopes.includes(scope) || scopes.includes('admin')) return;
  throw new ApiError('forbidden', `This API key lacks the scope ${scope}.`);
}

function unauthenticated(message: string): ApiError {
  return new ApiError('unauthenticated', message);
}
