import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDaemon } from './daemon.ts';
import { outputOf } from './script-output.ts';

/** Starts Temporal's Web UI on 127.0.0.1. Its binary comes from `temporal-ui.sh`. Throws `ScriptFailed` where it cannot be had. */
export async function startTemporalUi(
  temporalAddress: string,
  port: number,
): Promise<AsyncDisposable> {
  const [program = ''] = await outputOf('temporal-ui.sh');
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-temporal-ui-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const config = {
    temporalGrpcAddress: temporalAddress,
    host: '127.0.0.1',
    port,
    enableUi: true,
    defaultNamespace: 'default',
    notifyOnNewVersion: false,
    disableNewsFetch: true,
    cors: { cookieInsecure: true, allowOrigins: [`http://127.0.0.1:${port}`] },
  };
  await writeFile(path.join(folder, 'cluster.yaml'), JSON.stringify(config));
  const args = ['--root', folder, '--config', '.', '--env', 'cluster', 'start'];
  resources.use(await startDaemon({ program, args, logFile: path.join(folder, 'ui.log') }));
  return resources.move();
}
