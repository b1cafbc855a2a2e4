import { createRoute, z } from '@hono/zod-openapi';
import type { App, AppDependencies } from '../dependencies.ts';
import { AgentSchema } from '../response-schemas.ts';
import { NoQuerySchema } from '../schemas.ts';
import { ERRORS, json } from './responses.ts';

const agentsRoute = createRoute({
  method: 'get',
  path: '/v1/agents',
  summary: 'List the agents that can be started',
  request: { query: NoQuerySchema },
  responses: { 200: json(z.object({ data: z.array(AgentSchema) }), 'All agents.'), ...ERRORS },
});

/** The agents that can be started. */
export function addAgentRoutes(app: App, { agents, config }: AppDependencies): void {
  app.openapi(agentsRoute, (c) => {
    const data = agents.map(({ name, description, model = config.defaultModel, tools }) => ({
      name,
      description,
      model,
      tools: tools.map((tool) => tool.name),
    }));
    return c.json({ data }, 200);
  });
}
