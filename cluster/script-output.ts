import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';

/** The script has said why on stderr. */
export class ScriptFailed extends Error {
  override name = 'ScriptFailed';
}

/** The lines that a script of this folder prints. What it does meanwhile it tells on stderr. Throws `ScriptFailed`. */
export async function outputOf(script: string): Promise<string[]> {
  const file = path.join(import.meta.dirname, script);
  const child = spawn('bash', [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new ScriptFailed(`${script} has failed.`);
  return stdout.trim().split('\n');
}
