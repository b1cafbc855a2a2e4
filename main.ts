import type { RunningApi } from './api/open-api.ts';
import { loadConfig, type Config } from './config.ts';
import { startApi } from './compose-api.ts';
import { startWorker } from './compose-worker.ts';
import { openShared } from './compose.ts';
import { ensureDevServer } from './dev-server.ts';
import { collectProcessMetrics } from './metrics/collect-process-metrics.ts';
import { runProcess } from './run-process.ts';

/** `npm start`: everything on this machine, with the embedded store. */
await runProcess(async (opened, stop) => {
  const config = loadConfig(process.env);
  opened.use(await ensureDevServer(config));
  const shared = opened.use(await openShared(config));
  collectProcessMetrics(shared.metrics);
  const worker = opened.use(await startWorker(config, shared, stop));
  const api = opened.use(await startApi(config, shared, worker.client));
  process.stdout.write(greeting(api, config));
  return worker;
});

function greeting({ url, keyless }: RunningApi, { temporalUiUrl, model }: Config): string {
  const callers = keyless ? 'this machine only, without keys' : 'callers with an API key';
  const key = keyless ? '' : ` -H "Authorization: Bearer $KEY"`;
  return `
Holdfast is up. It serves ${callers}.

  API               ${url}
  API description   ${url}/docs
  Temporal Web UI   ${temporalUiUrl}
  Model             ${model}${model === 'demo' ? ' (no key needed; set MODEL for a real one)' : ''}

Start a run and stream it:

  curl -N ${url}/v1/tasks -H 'Content-Type: application/json' -H 'Accept: text/event-stream'${key} \\
    -d '{"input":"What is 17 * 23, and what time is it in Tokyo?"}'

Ctrl-C ends it.
`;
}
