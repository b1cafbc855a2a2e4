import { randomUUID } from 'node:crypto';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createClient } from '@redis/client';
import { describe, expect, it } from 'vitest';
import { openRelay } from '../../relay/open-relay.ts';
import { channelOf } from '../../relay/server-relay.ts';
import { createAuthority } from '../support/certificates.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { listen, newTask, settle } from './relay-contract.ts';
import { describeServerRelay, type RelayServer } from './server-contract.ts';

const serverUrl = process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379';
const PASSWORD = 'p@ss/word';

const reachable = await ask(['PING']).catch(() => null);
if (reachable) {
  describeServerRelay('Redis', openServer);
  describeSecurity();
} else console.log(`relay on Redis: not tested, no server at ${new URL(serverUrl).host}`);

/** Asks one thing on a connection of its own. */
async function ask<T>(command: string[]): Promise<T> {
  const client = createClient({
    url: serverUrl,
    socket: { connectTimeout: 2_000, reconnectStrategy: false },
  });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.sendCommand(command)) as T;
  } finally {
    client.destroy();
  }
}

/** A user of this run's own, with what a relay needs and no more. */
async function openServer(): Promise<RelayServer> {
  const user = `holdfast_${randomUUID()}`;
  const rules = ['resetchannels', '&holdfast_*', '+@connection', '+@pubsub'];
  await ask(['ACL', 'SETUSER', user, 'on', `>${PASSWORD}`, ...rules]);
  const url = new URL(serverUrl);
  return {
    url: Object.assign(url, { username: user, password: PASSWORD, pathname: '/5' }).href,
    async connections() {
      return (await ask<string>(['CLIENT', 'LIST'])).split(`user=${user}`).length - 1;
    },
    async cut() {
      await ask(['CLIENT', 'KILL', 'USER', user]);
    },
    async admit(yes) {
      await ask(['ACL', 'SETUSER', user, yes ? 'on' : 'off']);
    },
    async listeners(taskId) {
      return (await ask<[string, number]>(['PUBSUB', 'NUMSUB', channelOf(taskId)]))[1];
    },
    async [Symbol.asyncDispose]() {
      await ask(['ACL', 'DELUSER', user]);
    },
  };
}

function describeSecurity(): void {
  describe('relay: Redis, secured', () => {
    it('speaks TLS to rediss://, and to nobody whose certificate it cannot verify', async () => {
      const authority = await createAuthority('Relay test');
      const { hostname: host, port } = new URL(serverUrl);
      const tls = await authority.issue('localhost');
      await using proxy = await startTcpProxy({ host, port: Number(port), tls });
      const relayUrl = `rediss://localhost:${proxy.port}`;
      await expect(openRelay({ relayUrl })).rejects.toThrow('verify');

      setDefaultCACertificates([...getCACertificates('default'), authority.cert]);
      await using publisher = await openRelay({ relayUrl });
      await using subscriber = await openRelay({ relayUrl });
      const taskId = newTask();
      const { messages } = await listen(subscriber, taskId);
      publisher.publish(taskId, { kind: 'cancel' });
      await settle({ publisher, subscriber }, taskId);
      expect(messages).toEqual([{ kind: 'cancel' }, { kind: 'end' }]);
    });

    it('says at start that the server does not take the password, without telling it', async () => {
      await using server = await openServer();
      const wrong = Object.assign(new URL(server.url), { password: 'guessed' });
      const refused = await openRelay({ relayUrl: wrong.href }).catch(String);
      expect(refused).toContain('WRONGPASS');
      expect(refused).not.toContain('guessed');
    });
  });
}
