import { expect, it } from 'vitest';
import { createHttpGet, httpGet } from '../../../agents/tools/http-get.ts';
import { createSafeFetch } from '../../../agents/tools/safe-fetch.ts';
import { context, get, INSIDE, OUTSIDE, serveInside, serveOutside } from './worlds.ts';

it.each([
  'http://127.0.0.1/',
  'http://2130706433/',
  'http://0x7f.1/',
  'http://0x7f000001/',
  'http://127.1/',
  'http://0177.0.0.1/',
  'http://127.0.0.1./',
  'http://①②⑦.0.0.1/',
  'http://0/',
  'http://0.0.0.0/',
  'http://[::]/',
  'http://[::1]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::127.0.0.1]/',
  'http://[64:ff9b:1::a00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[2001:0:53aa:64c::1]/',
  'http://10.1.2.3/',
  'http://172.16.0.1/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://2852039166/',
  'http://168.63.129.16/',
  'http://[fd00:ec2::254]/',
  'http://[fe80::1]/',
  'http://[fec0::1]/',
  'http://[ff02::1]/',
  'http://[2001:db8::1]/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://240.0.0.1/',
  'http://255.255.255.255/',
])('K6 refuses %s', async (url) => {
  await expect(httpGet.run({ url }, context)).rejects.toThrow('not on the public Internet');
});

it.each([
  'http://localhost/',
  'http://LOCALHOST:8080/',
  'http://localhost./',
  'http://api.localhost/',
])('K6 refuses loopback by name: %s', async (url) => {
  await expect(httpGet.run({ url }, context)).rejects.toThrow('not on the public Internet');
});

it.each([
  '127.0.0.1',
  '10.0.0.1',
  '169.254.169.254',
  '::1',
  '::ffff:10.0.0.1',
  'fd00:ec2::254',
  'fe80::1%eth0',
])('K6 refuses a name that resolves to %s, alone or beside a public address', async (address) => {
  const family = address.includes(':') ? 6 : 4;
  const answers = [
    [{ address, family }],
    [
      { address: '93.184.215.14', family: 4 },
      { address, family },
    ],
  ];
  for (const answer of answers) {
    const tool = createHttpGet({ resolve: async () => answer });
    await expect(tool.run({ url: 'http://intranet.example/' }, context)).rejects.toThrow(
      'not on the public Internet',
    );
  }
});

it.each([
  'ftp://example.com/',
  'file:///etc/passwd',
  'data:text/plain,hi',
  'gopher://example.com/',
  'http://user:pw@example.com/',
  'http://user@example.com/',
  'no url',
])('K6 refuses the scheme, or the credentials, of %s', async (url) => {
  await expect(get(url)).rejects.toMatchObject({ name: 'AddressRefused' });
});

it('K6 refuses a redirect to an inner address, to another scheme, and to credentials', async () => {
  await using inner = await serveInside((_, response) => response.end('secret'));
  for (const location of [
    inner.url,
    'http://2130706435/',
    'file:///etc/passwd',
    'http://u:p@a.example/',
  ]) {
    await using outer = await serveOutside((_, response) =>
      response.writeHead(302, { location }).end(),
    );
    await expect(get(outer.url)).rejects.toMatchObject({ name: 'AddressRefused' });
  }
  expect(inner.requests).toBe(0);
});

it('K6 connects to the address that was checked, whatever the name resolves to a moment later', async () => {
  await using inner = await serveInside((_, response) => response.end('secret'));
  await using outer = await serveOutside((_, response) => response.end('public'), inner.port);
  const answers = [[OUTSIDE], [INSIDE]];
  let lookups = 0;
  const resolve = async () => answers[lookups++] ?? [INSIDE];
  expect(await get(`http://rebind.example:${outer.port}/`, { resolve })).toMatchObject({
    text: 'public',
  });
  expect(lookups).toBe(1);
  expect(inner.requests).toBe(0);
});

it('K6 checks a name again at every redirect', async () => {
  await using inner = await serveInside((_, response) => response.end('secret'));
  await using outer = await serveOutside(
    (_, response) => response.writeHead(302, { location: '/again' }).end(),
    inner.port,
  );
  const answers = [[OUTSIDE], [INSIDE]];
  const resolve = async () => answers.shift() ?? [INSIDE];
  await expect(get(`http://rebind.example:${outer.port}/`, { resolve })).rejects.toMatchObject({
    name: 'AddressRefused',
  });
  expect(inner.requests).toBe(0);
});

it('looks up nothing once it was called off', async () => {
  const lookedUp: string[] = [];
  const fetch = createSafeFetch({
    resolve: (host) => {
      lookedUp.push(host);
      return Promise.reject(new Error('no such host'));
    },
  });
  const signal = AbortSignal.abort(new Error('never mind'));
  // A look-up that was left behind would end the process by its rejection.
  for (const url of ['http://example.com/', 'http://localhost/']) {
    await expect(fetch(url, signal)).rejects.toThrow('never mind');
  }
  expect(lookedUp).toEqual([]);
});
