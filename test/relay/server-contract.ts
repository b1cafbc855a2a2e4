import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openRelay, RelayUnavailable } from '../../relay/open-relay.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { within } from '../support/within.ts';
import { delta, describeRelay, listen, newTask, settle, type RelayPair } from './relay-contract.ts';

const DEADLINE_MS = 30_000;
/** Far more than a publisher keeps. */
const MANY = 20_000;

/** A server that carries relays, as its operator sees it. */
export interface RelayServer extends AsyncDisposable {
  /** For `RELAY_URL`. */
  readonly url: string;
  /** Connections to `url`. */
  connections(): Promise<number>;
  /** Ends them from the server's side. */
  cut(): Promise<void>;
  /** Whether connections to `url` are let in. */
  admit(yes: boolean): Promise<void>;
  /** How many connections listen to the task, by the server's own account. Ask when the relay asks nothing itself. */
  listeners(taskId: string): Promise<number>;
}

/** What a relay over a server does beyond what every relay does. */
export function describeServerRelay(name: string, openServer: () => Promise<RelayServer>): void {
  let server: RelayServer;
  let proxy: TcpProxy;
  const errors: unknown[] = [];
  beforeAll(async () => {
    server = await openServer();
    const { hostname: host, port } = new URL(server.url);
    proxy = await startTcpProxy({ host, port: Number(port) });
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const open = (relayUrl = server.url) =>
    openRelay({ relayUrl, onError: (error) => errors.push(error) });
  /** The server as it is reached through the proxy. */
  const proxied = () =>
    Object.assign(new URL(server.url), { host: `127.0.0.1:${proxy.port}` }).href;

  async function openPair(publisherUrl?: string, subscriberUrl?: string): Promise<RelayPair> {
    await using opened = new AsyncDisposableStack();
    const publisher = opened.use(await open(publisherUrl));
    const subscriber = opened.use(await open(subscriberUrl));
    const all = opened.move();
    return { publisher, subscriber, [Symbol.asyncDispose]: () => all.disposeAsync() };
  }

  describeRelay(name, openPair);

  describe(`relay: ${name}, when its server comes and goes`, () => {
    it('delivers again, in order, after the server ended its connections', async () => {
      await using pair = await openPair();
      const taskId = newTask();
      const { messages } = await listen(pair.subscriber, taskId);
      errors.length = 0;
      await server.cut();
      pair.publisher.publish(taskId, delta(0, 'into the gap'));
      await vi.waitFor(() => {
        pair.publisher.publish(taskId, { kind: 'log', lastSeq: 1 });
        expect(messages).toContainEqual({ kind: 'log', lastSeq: 1 });
      }, DEADLINE_MS);
      const sent = Array.from({ length: 500 }, (_, index) => delta(2 * index, 'x'));
      for (const message of sent) pair.publisher.publish(taskId, message);
      await settle(pair, taskId);
      expect(messages.slice(-501, -1)).toEqual(sent);
      expect(errors).not.toEqual([]);
    });

    it('loses what is sent while the server refuses; a subscription made meanwhile stands when it is back', async () => {
      await using pair = await openPair();
      await server.admit(false);
      await server.cut();
      const taskId = newTask();
      const { messages } = await listen(pair.subscriber, taskId);
      pair.publisher.publish(taskId, { kind: 'cancel' });
      await server.admit(true);
      await vi.waitFor(() => {
        pair.publisher.publish(taskId, { kind: 'log', lastSeq: 1 });
        expect(messages).toContainEqual({ kind: 'log', lastSeq: 1 });
      }, DEADLINE_MS);
    });

    it('keeps only the newest of what is published meanwhile, in order', async () => {
      await using pair = await openPair(proxied());
      const taskId = newTask();
      const { messages } = await listen(pair.subscriber, taskId);
      await proxy.down();
      for (let index = 0; index < MANY; index += 1)
        pair.publisher.publish(taskId, delta(2 * index, 'x'));
      pair.publisher.publish(taskId, { kind: 'end' });
      await proxy.up();
      await vi.waitFor(() => expect(messages).toContainEqual({ kind: 'end' }), DEADLINE_MS);
      const offsets = messages.flatMap((m) => (m.kind === 'delta' ? [m.piece.offset / 2] : []));
      const { length } = offsets;
      expect(length).toBeGreaterThan(0);
      expect(length).toBeLessThan(MANY / 2);
      expect(offsets).toEqual(Array.from({ length }, (_, index) => MANY - length + index));
    });

    it('notices a connection that has fallen silent, whether it is used or idle', async () => {
      await using busy = await openPair(proxied(), proxied());
      await using idle = await openPair(undefined, proxied());
      const [busyTask, idleTask] = [newTask(), newTask()];
      const heard = await Promise.all([
        listen(busy.subscriber, busyTask),
        listen(idle.subscriber, idleTask),
      ]);
      proxy.freeze();
      busy.publisher.publish(busyTask, { kind: 'cancel' });
      const late = listen(busy.subscriber, busyTask);
      heard.push(await within(late, () => 'a subscription in a black hole to return'));
      proxy.thaw();
      await vi.waitFor(() => {
        busy.publisher.publish(busyTask, { kind: 'log', lastSeq: 1 });
        idle.publisher.publish(idleTask, { kind: 'log', lastSeq: 1 });
        for (const { messages } of heard)
          expect(messages).toContainEqual({ kind: 'log', lastSeq: 1 });
      }, DEADLINE_MS);
    });
  });

  describe(`relay: ${name}, towards its server`, () => {
    it('listens to a task only while somebody is subscribed, also over a lost connection', async () => {
      await using pair = await openPair();
      const taskIds = [newTask(), newTask(), newTask()];
      const kept = taskIds[0] as string;
      const listeners = async () => {
        // A subscription's turn comes after the changes before it.
        await pair.subscriber.subscribe(newTask(), () => {});
        const counts: number[] = [];
        for (const taskId of taskIds) counts.push(await server.listeners(taskId));
        return counts;
      };
      const all = await Promise.all(taskIds.map((taskId) => listen(pair.subscriber, taskId)));
      const more = await listen(pair.subscriber, kept);
      expect(await listeners()).toEqual([1, 1, 1]);
      for (const { stop } of all) stop();
      expect(await listeners()).toEqual([1, 0, 0]);

      await server.cut();
      await vi.waitFor(() => {
        pair.publisher.publish(kept, { kind: 'log', lastSeq: 1 });
        expect(more.messages).toContainEqual({ kind: 'log', lastSeq: 1 });
      }, DEADLINE_MS);
      expect(await listeners()).toEqual([1, 0, 0]);
      more.stop();
      expect(await listeners()).toEqual([0, 0, 0]);
    });

    it('leaves no connection behind when it closes, also while the server is silent', async () => {
      const pair = await openPair();
      expect(await server.connections()).toBe(4);
      await pair[Symbol.asyncDispose]();
      await vi.waitFor(async () => expect(await server.connections()).toBe(0), DEADLINE_MS);

      const silent = await openPair(proxied(), proxied());
      proxy.freeze();
      silent.publisher.publish(newTask(), { kind: 'cancel' });
      const closed = Promise.resolve(silent[Symbol.asyncDispose]());
      await within(closed, () => 'relays in a black hole to close');
      proxy.thaw();
    });

    it('says at start, without secrets, that the server is not there, or is silent', async () => {
      const nowhere = Object.assign(new URL(server.url), {
        host: '127.0.0.1:1',
        password: 'secret',
      });
      const refused = await open(nowhere.href).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(RelayUnavailable);
      expect(String(refused)).toContain('127.0.0.1:1: connect ECONNREFUSED');
      expect(String(refused)).not.toContain('secret');
      proxy.freeze();
      await expect(open(proxied())).rejects.toThrow(RelayUnavailable);
      proxy.thaw();
    });
  });
}
