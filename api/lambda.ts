import { Hono } from 'hono';
import {
  streamHandle,
  type ApiGatewayRequestContext,
  type ApiGatewayRequestContextV2,
  type LambdaContext,
} from 'hono/aws-lambda';
import { loadApartConfig } from '../apart-config.ts';
import { apiOptions } from '../compose-api.ts';
import { openShared } from '../compose.ts';
import { openKeyring } from './auth/keyring.ts';
import { guardIam } from './guard.ts';
import { openApp } from './open-app.ts';
import { openTemporalConnection } from './temporal-connection.ts';

/**
 * Streams and long polls end so long before the invocation's deadline, in milliseconds: a question to Temporal that is under way
 * then, and that nobody answers, takes two seconds.
 */
const MARGIN_MS = 4_000;

interface Bindings {
  context: LambdaContext;
  requestContext: ApiGatewayRequestContext | ApiGatewayRequestContextV2;
}

const config = loadApartConfig(process.env);
const shared = await openShared(config);
const keyring = await openKeyring(shared.store);
const { namespace: _, ...connectionOptions } = config.temporal;
const options = apiOptions(config, shared, openTemporalConnection(connectionOptions));

/**
 * One request in one invocation. Connections live as long as the environment; all else ends with the invocation, because the
 * environment is frozen as soon as the response has ended.
 */
const front = new Hono<{ Bindings: Bindings }>().all('*', async (c) => {
  const { app, drain } = openApp({ ...options, keyring, guard: guardIam() });
  const deadline = setTimeout(
    () => void drain(),
    c.env.context.getRemainingTimeInMillis() - MARGIN_MS,
  );
  return thenDrain(await app.fetch(c.req.raw, c.env), () => {
    clearTimeout(deadline);
    return drain();
  });
});

/** The response, whose end waits for what it has left behind. */
async function thenDrain(response: Response, drain: () => Promise<void>): Promise<Response> {
  if (response.body === null) {
    await drain();
    return response;
  }
  const body = response.body.pipeThrough(new TransformStream({ flush: drain, cancel: drain }));
  return new Response(body, response);
}

/** The handler of the API's function: `api/lambda.handler`, for a Function URL or a REST API that streams. */
export const handler = streamHandle(front);
