import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bundleWorkflows } from '../worker/bundle-workflows.ts';

/** `npm run bundle`: builds the workflow bundle, so that a worker that starts with it need not. Prints where it is. */
const file = path.resolve(import.meta.dirname, '../dist/workflows.js');
await mkdir(path.dirname(file), { recursive: true });
await writeFile(file, await bundleWorkflows());
console.log(file);
