import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { ApiError } from './errors.ts';

const LOOPBACK_HOST = /^(localhost|::1|127(\.\d{1,3}){3})$/;
const LOOPBACK_V4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

/**
 * While the API has no keys, only this machine may use it, and no page of another site through a browser on it: a name
 * that was rebound to 127.0.0.1 fails at `Host`, a foreign page at `Origin`. Throws `forbidden`.
 */
export function guardLoopback(corsOrigins: readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const here = URL.parse(`http://${c.req.header('host') ?? new URL(c.req.url).host}`);
    if (!here || !isLoopbackName(here.hostname)) {
      throw new ApiError('forbidden', 'Without API keys the API answers to loopback names only.');
    }
    const origin = c.req.header('origin');
    if (origin !== undefined && !corsOrigins.includes(origin) && !isOwnOrigin(origin, here)) {
      throw new ApiError('forbidden', 'This origin is not in HOLDFAST_CORS_ORIGINS.');
    }
    await next();
  };
}

/** What a function's event says of its caller. AWS writes it, no caller can. */
interface RequestContext {
  /** Of a Function URL. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html */
  authorizer?: { iam?: { userArn?: string } | null } | null;
  /** Of a REST API. https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html */
  identity?: { userArn?: string | null } | null;
}

/**
 * In a function, while the API has no keys: only callers whom AWS has authenticated by IAM may use it, which is so where the
 * Function URL or the REST API asks for it. A page in a browser cannot sign, so no origin is asked. Throws `unauthenticated`.
 */
export function guardIam(): MiddlewareHandler<{ Bindings: { requestContext?: RequestContext } }> {
  return async (c, next) => {
    const { authorizer, identity } = c.env.requestContext ?? {};
    if (!authorizer?.iam?.userArn && !identity?.userArn) {
      throw new ApiError(
        'unauthenticated',
        'Without API keys the API answers to callers by AWS IAM only.',
      );
    }
    await next();
  };
}

/** Cross-origin access for the configured origins. */
export function allowOrigins(corsOrigins: readonly string[]): MiddlewareHandler {
  return cors({
    origin: [...corsOrigins],
    allowMethods: ['GET', 'POST', 'DELETE'],
    allowHeaders: [
      'Content-Type',
      'Authorization',
      'Idempotency-Key',
      'Last-Event-ID',
      'X-Request-Id',
    ],
    exposeHeaders: ['Location', 'X-Request-Id', 'Retry-After'],
    maxAge: 600,
  });
}

/** A page that this server served, under any of its loopback names. */
function isOwnOrigin(origin: string, here: URL): boolean {
  const from = URL.parse(origin);
  return from !== null && isLoopbackName(from.hostname) && from.port === here.port;
}

/** Whether who listens there can be reached from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK_HOST.test(host);
}

/** For the host name of a URL, which has every notation of an address brought to one form. */
function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || LOOPBACK_V4.test(hostname);
}
