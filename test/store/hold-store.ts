/* Opens the store of a folder, says so, and keeps it until it is killed. */
import { argv, stdout } from 'node:process';
import { openStore } from '../../store/open-store.ts';

const [dataDir = ''] = argv.slice(2);
const store = await openStore({ dataDir });
await store.acceptTask(JSON.parse(argv[3] ?? ''));
stdout.write('open\n');
setInterval(() => store.ping(), 60_000);
