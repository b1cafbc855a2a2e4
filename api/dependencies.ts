import type { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { Agent } from '../agents/agent.ts';
import type { Metrics } from '../metrics/create-metrics.ts';
import type { Store } from '../store/store.ts';
import type { Caller } from './auth/authenticate.ts';
import type { Keyring } from './auth/keyring.ts';
import type { Feed, Tasks } from './ports.ts';
import type { WorkflowLinks } from './task-view.ts';

export interface ApiConfig extends WorkflowLinks {
  /** Origins whose pages may call the API; none: only the server's own. */
  corsOrigins: readonly string[];
  /** Agent of a start that names none. */
  defaultAgent: string;
  /** `provider/id` of agents that name no model. */
  defaultModel: string;
}

/** What must answer before the service is ready, by name. A check rejects when it is not. */
export interface Readiness {
  /** True from the moment on at which no new callers should come. */
  shuttingDown(): boolean;
  store(): Promise<unknown>;
  temporal(): Promise<unknown>;
}

export interface AppDependencies {
  store: Store;
  tasks: Tasks;
  feed: Feed;
  readiness: Readiness;
  agents: readonly Agent[];
  metrics: Pick<Metrics, 'registry'>;
  keyring: Keyring;
  /** Refuses callers who may not use the API while there are no keys. */
  guard: MiddlewareHandler;
  config: ApiConfig;
  /** Hears of what callers are not told: pino, or anything with its shape. */
  log: Record<'error' | 'warn', (context: object, message: string) => void>;
}

/** What the middleware leaves for the handlers. */
export interface ApiEnv {
  Variables: { requestId: string; owner: string; caller: Caller };
}

export type App = OpenAPIHono<ApiEnv>;
