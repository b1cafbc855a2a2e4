import { createRoute } from '@hono/zod-openapi';
import type { App, AppDependencies } from '../dependencies.ts';
import { LivenessSchema, ReadinessSchema } from '../response-schemas.ts';
import { json } from './responses.ts';

/** A dependency that takes longer than this is not ready. */
const CHECK_TIMEOUT_MS = 2_000;

const livenessRoute = createRoute({
  method: 'get',
  path: '/healthz',
  summary: 'Whether the process serves requests',
  responses: { 200: json(LivenessSchema, 'It does.') },
});

const readinessRoute = createRoute({
  method: 'get',
  path: '/readyz',
  summary: 'Whether new callers should come: store and Temporal can be reached',
  responses: {
    200: json(ReadinessSchema, 'All can.'),
    503: json(ReadinessSchema, 'At least one cannot, or the process is shutting down.'),
  },
});

/** Liveness, and readiness by name. */
export function addHealthRoutes(app: App, { readiness }: AppDependencies): void {
  app.openapi(livenessRoute, (c) => c.json({ status: 'ok' as const }, 200));

  app.openapi(readinessRoute, async (c) => {
    if (readiness.shuttingDown())
      return c.json({ status: 'shutting_down' as const, checks: {} }, 503);
    const [store, temporal] = await Promise.all([
      stateOf(() => readiness.store()),
      stateOf(() => readiness.temporal()),
    ]);
    const checks = { store, temporal };
    if (store === 'ok' && temporal === 'ok')
      return c.json({ status: 'ready' as const, checks }, 200);
    return c.json({ status: 'unavailable' as const, checks }, 503);
  });
}

async function stateOf(check: () => Promise<unknown>): Promise<'ok' | 'unavailable'> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), CHECK_TIMEOUT_MS);
  try {
    await Promise.race([check(), timeout]);
    return 'ok';
  } catch {
    return 'unavailable';
  } finally {
    clearTimeout(timer);
  }
}
