import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { StoreUnavailable } from '../store/errors.ts';
import { allowedMethods } from './allowed-methods.ts';
import { authenticate, guardWhileKeyless } from './auth/authenticate.ts';
import type { ApiEnv, App, AppDependencies } from './dependencies.ts';
import { ApiError, errorResponse, toApiError } from './errors.ts';
import { allowOrigins } from './guard.ts';
import { addAgentRoutes } from './routes/agents.ts';
import { addConversationTaskRoutes } from './routes/conversation-tasks.ts';
import { addConversationRoutes } from './routes/conversations.ts';
import { addDocsRoutes } from './routes/docs.ts';
import { addEventRoutes } from './routes/events.ts';
import { addGroupEventRoutes } from './routes/group-events.ts';
import { addHealthRoutes } from './routes/health.ts';
import { addMetricsRoute } from './routes/metrics.ts';
import { addRunRoutes } from './routes/runs.ts';
import { addStartRoute } from './routes/start-task.ts';
import { addStreamTokenRoute } from './routes/stream-token.ts';
import { addTaskRoutes } from './routes/tasks.ts';
import { refuseInvalid } from './validation.ts';

const MAX_BODY_BYTES = 1024 * 1024;

/** The HTTP API. It listens to nothing and owns nothing: what it is given outlives it. */
export function createApp(dependencies: AppDependencies): App {
  const app: App = new OpenAPIHono<ApiEnv>({ defaultHook: (result) => refuseInvalid(result) });
  addMiddleware(app, dependencies);
  addStartRoute(app, dependencies);
  addTaskRoutes(app, dependencies);
  addRunRoutes(app, dependencies);
  addEventRoutes(app, dependencies);
  addStreamTokenRoute(app, dependencies);
  addGroupEventRoutes(app, dependencies);
  addConversationRoutes(app, dependencies);
  addConversationTaskRoutes(app, dependencies);
  addAgentRoutes(app, dependencies);
  addHealthRoutes(app, dependencies);
  addMetricsRoute(app, dependencies);
  addDocsRoutes(app);
  answerErrors(app, dependencies.log);
  return app;
}

type MiddlewareDependencies = Pick<AppDependencies, 'guard' | 'keyring' | 'store'> & {
  config: Pick<AppDependencies['config'], 'corsOrigins'>;
};

/** The order matters: everything after the first has a request id, and nothing is read of a caller who may not use the API. */
export function addMiddleware(
  app: App,
  { config, guard, keyring, store }: MiddlewareDependencies,
): void {
  app.use(requestId());
  app.use(async (c, next) => {
    await next();
    // Again, because a response that a handler made itself does not take over prepared headers.
    c.res.headers.set('X-Request-Id', c.get('requestId'));
  });
  // The API itself is plain HTTP, and on loopback HSTS would lock a browser out of its other services.
  app.use(secureHeaders({ strictTransportSecurity: false }));
  app.use(guardWhileKeyless(keyring, guard));
  if (config.corsOrigins.length > 0) app.use(allowOrigins(config.corsOrigins));
  app.use(authenticate({ keyring, store }));
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: refuseBody }));
}

function refuseBody(): never {
  throw new ApiError('payload_too_large', `The body must be at most ${MAX_BODY_BYTES} bytes.`);
}

/** Answers what no route has answered, and logs what the caller is not told. */
export function answerErrors(app: App, log: AppDependencies['log']): void {
  app.notFound((c) => {
    const allowed = allowedMethods(app.routes, c.req.path);
    if (allowed.length === 0) {
      return errorResponse(c, new ApiError('route_not_found', 'There is no such route.'));
    }
    c.header('Allow', allowed.join(', '));
    return errorResponse(c, new ApiError('method_not_allowed', 'The route has no such method.'));
  });
  app.onError((error, c) => {
    const known = toApiError(error);
    const context = { err: error, request_id: c.get('requestId') };
    if (error instanceof StoreUnavailable) log.warn(context, 'the store is not available');
    if (known) return errorResponse(c, known);
    log.error(context, 'a request failed');
    return errorResponse(c, new ApiError('internal', 'The request failed; the log knows more.'));
  });
}
