import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { get, OUTSIDE, serveOutside } from './worlds.ts';

it('follows redirects, at most five of them', async () => {
  await using server = await serveOutside((request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) response.writeHead(200, { 'content-type': 'text/plain' }).end('there');
    else response.writeHead(307, { location: `/${left - 1}` }).end();
  });
  expect(await get(`${server.url}5`)).toMatchObject({
    status: 200,
    url: `${server.url}0`,
    text: 'there',
  });
  await expect(get(`${server.url}6`)).rejects.toThrow('More than 5 redirects');
});

it.each([
  ['text/plain; charset=utf-8', Buffer.from('grün'), 'grün'],
  ['text/plain; charset="iso-8859-1"', Buffer.from('gr\xFCn', 'latin1'), 'grün'],
  ['application/problem+json', Buffer.from('{"a":1}'), '{"a":1}'],
  [
    'text/html',
    Buffer.from('<title>T</title><script>x<y</script><p>A &amp; <b>B</b><p>C'),
    'T\nA & B\nC',
  ],
  ['image/png', Buffer.from([1, 2, 3]), null],
])('reads %s as text where it is text', async (contentType, body, text) => {
  await using server = await serveOutside((_, response) =>
    response.writeHead(404, { 'content-type': contentType }).end(body),
  );
  expect(await get(server.url)).toEqual({
    url: server.url,
    status: 404,
    content_type: contentType.split(';')[0],
    text,
  });
});

it('cuts a long body, also one that is small until it is unpacked, and says so', async () => {
  const packed = gzipSync('é'.repeat(1_000_000));
  await using server = await serveOutside((_, response) =>
    response
      .writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' })
      .end(packed),
  );
  const answer = await get(server.url, { maxBytes: 1001 });
  expect(answer).toMatchObject({ truncated: true, text: 'é'.repeat(500) });
});

it('cuts a text that would not fit a tool’s output, and says so', async () => {
  await using server = await serveOutside((_, response) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end('a'.repeat(100_000)),
  );
  const answer = await get(server.url);
  expect(answer).toMatchObject({ truncated: true, text: 'a'.repeat(48 * 1024) });
});

it('gives up after the time limit', async () => {
  await using server = await serveOutside(() => {});
  await expect(get(server.url, { timeoutMs: 50 })).rejects.toMatchObject({ name: 'TimeoutError' });
});

it('stops on abort, with the reason: while a name resolves, and while a body comes', async () => {
  const early = new AbortController();
  const resolving = get(
    'http://slow.example/',
    { resolve: () => new Promise(() => {}) },
    early.signal,
  );
  early.abort('stop');
  await expect(resolving).rejects.toBe('stop');

  const late = new AbortController();
  const closed = Promise.withResolvers<void>();
  await using server = await serveOutside((_, response) => {
    response.on('close', closed.resolve);
    response
      .writeHead(200, { 'content-type': 'text/plain' })
      .write('beginning', () => late.abort('stop'));
  });
  await expect(get(server.url, {}, late.signal)).rejects.toBe('stop');
  await closed.promise;
});

it('says why a host could not be read', async () => {
  const port = (await serveOnce()).port;
  await expect(get(`http://${OUTSIDE.address}:${port}/`)).rejects.toThrow(
    /could not be read: .*ECONNREFUSED/,
  );
});

/** A server that is gone again: nobody listens on its port. */
async function serveOnce() {
  await using server = await serveOutside(() => {});
  return { port: server.port };
}
