import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const PEERS = path.resolve(import.meta.dirname, '../peers');

/**
 * Brings a peer's packages into `bench/peers/<name>`, as its `package-lock.json` says, where they are not there yet. Tells the
 * folder.
 */
export async function installPeer(name: string): Promise<string> {
  const folder = path.join(PEERS, name);
  const installed = await modifiedAt(path.join(folder, 'node_modules/.package-lock.json'));
  if (installed < (await modifiedAt(path.join(folder, 'package-lock.json')))) {
    console.error(`installing the packages of ${name} …`);
    await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder]);
  }
  return folder;
}

/** The packages that a peer's `package.json` pins, for its settings. */
export async function describePackages(folder: string): Promise<string> {
  const text = await readFile(path.join(folder, 'package.json'), 'utf8');
  const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
  const packages = Object.entries(dependencies);
  return packages.map(([name, version]) => `${name} ${version}`).join(', ');
}

/** 0: there is no such file. */
async function modifiedAt(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
