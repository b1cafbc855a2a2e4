import { freePorts } from '../../cluster/free-ports.ts';
import { startNode, type NodeProcessOptions } from '../node-process.ts';

/** A peer's server: one process, on a port that it keeps when it is started again. */
export interface PeerServer extends AsyncDisposable {
  readonly url: string;
  /** Kills it, and starts it again with the same settings. */
  crash(): Promise<void>;
  pids(): number[];
}

/** Starts a server that listens on 127.0.0.1 at `PORT`. */
export async function startPeerServer(options: NodeProcessOptions): Promise<PeerServer> {
  const [port] = await freePorts(1);
  const start = () => startNode({ ...options, env: { ...options.env, PORT: String(port) } });
  let running = await start();
  return {
    url: `http://127.0.0.1:${port}`,
    async crash() {
      await running.end('SIGKILL');
      running = await start();
    },
    pids: () => [running.pid],
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
