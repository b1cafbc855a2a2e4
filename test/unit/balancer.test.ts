import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startBalancer, type Balancer } from '../../cluster/balancer.ts';
import { freePorts } from '../../cluster/free-ports.ts';

/** Says its name, then whatever it is told. */
async function startNamed(name: string) {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write(`${name} `);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { name, server, port: (server.address() as AddressInfo).port };
}
type Named = Awaited<ReturnType<typeof startNamed>>;

let servers: Named[];
let balancer: Balancer;
beforeEach(async () => {
  servers = await Promise.all(['a', 'b', 'c'].map(startNamed));
  balancer = await startBalancer(servers.map(({ port }) => port));
});
afterEach(async () => {
  await balancer[Symbol.asyncDispose]();
  for (const { server } of servers) server.close();
});

async function ask(words: string): Promise<string> {
  const socket = connect(balancer.port, '127.0.0.1');
  socket.end(words);
  return text(socket);
}

it('gives each connection to the next server', async () => {
  const answers = [];
  for (const words of ['1', '2', '3', '4']) answers.push(await ask(words));
  expect(answers).toEqual(['a 1', 'b 2', 'c 3', 'a 4']);
});

it('passes a server by that refuses', async () => {
  servers[1]?.server.close();
  expect([await ask('1'), await ask('2'), await ask('3')]).toEqual(['a 1', 'c 2', 'c 3']);
});

it('ends a connection that no server takes', async () => {
  const [port = 0] = await freePorts(1);
  await using alone = await startBalancer([port]);
  const socket = connect(alone.port, '127.0.0.1');
  expect(await text(socket)).toBe('');
});

it('cuts every connection at its end', async () => {
  const socket = connect(balancer.port, '127.0.0.1');
  await once(socket, 'data');
  const cut = once(socket, 'close');
  await balancer[Symbol.asyncDispose]();
  await cut;
  await expect(ask('1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
