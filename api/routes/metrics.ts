import { createRoute, z } from '@hono/zod-openapi';
import type { App, AppDependencies } from '../dependencies.ts';
import { ERRORS } from './responses.ts';

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  summary: 'Read the metrics of this process',
  description:
    "In Prometheus' text format. They are those of the replica that answers, and count the tasks of all owners.",
  responses: {
    200: { description: 'All metrics.', content: { 'text/plain': { schema: z.string() } } },
    ...ERRORS,
  },
});

/** The metrics, for Prometheus to scrape. */
export function addMetricsRoute(app: App, { metrics }: Pick<AppDependencies, 'metrics'>): void {
  const { registry } = metrics;
  app.openapi(metricsRoute, async (c) =>
    c.text(await registry.metrics(), 200, { 'Content-Type': registry.contentType }),
  );
}
