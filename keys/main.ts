import { loadConfig } from '../config.ts';
import { runProcess } from '../run-process.ts';
import { openStore } from '../store/open-store.ts';
import { readCommand, runCommand } from './command.ts';

/** `npm run keys`: makes, lists and revokes API keys, on the store that the service is configured for. */
await runProcess(async (opened) => {
  const command = readCommand(process.argv.slice(2));
  const store = opened.use(await openStore(loadConfig(process.env)));
  const { result, remark } = await runCommand(store, command);
  // Apart, so that a script gets the key and nothing else.
  if (remark !== undefined) process.stderr.write(`${remark}\n`);
  if (result !== '') process.stdout.write(`${result}\n`);
  return { ended: Promise.resolve() };
});
