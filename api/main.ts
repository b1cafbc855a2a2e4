import { loadConfig } from '../config.ts';
import { openShared, startApi } from '../compose.ts';
import { runProcess } from '../run-process.ts';

await runProcess(async () => {
  const config = loadConfig(process.env);
  const shared = await openShared(config);
  const api = await startApi(config, shared);
  shared.log.info({ url: api.url }, 'the API listens');
  return { opened: [shared, api] };
});
