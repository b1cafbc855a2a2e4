import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { createModelServer } from './model/create-model-server.ts';

/** `node bench/model.ts [--port N]`: the scripted model as a process. It prints its base URL once it listens. */
const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
const server = createModelServer();
server.listen({ port: Number(values.port), host: '127.0.0.1', backlog: 2_048 });
await once(server, 'listening');
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
