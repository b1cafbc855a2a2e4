import { startServer } from '@langchain/langgraph-api/server';
import path from 'node:path';

/**
 * The server that `langgraphjs dev --no-reload` starts in a process of its own, without that command around it. `STATE_DIR` is
 * its project folder, where it keeps `.langgraph_api`; `N_JOBS_PER_WORKER` how many runs go on at once.
 */
const { host } = await startServer({
  host: '127.0.0.1',
  port: Number(process.env['PORT']),
  cwd: process.env['STATE_DIR'] ?? '',
  nWorkers: Number(process.env['N_JOBS_PER_WORKER']),
  graphs: { agent: `${path.join(import.meta.dirname, 'agent.ts')}:agent` },
});
console.log(`the server listens at http://${host}`);
