import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Client } from '../../src/client/client.ts';
import { routes } from '../../src/client/routes.ts';
import type { BorealisError } from '../../src/protocol/errors.ts';
import { operations } from '../../src/protocol/operations.ts';
import { Door } from './door.ts';

let door: Door;
let client: Client;
beforeEach(async () => {
  door = await new Door().open();
  client = new Client(door.socket);
});
afterEach(() => door.close());

const failure = (promise: Promise<unknown>): Promise<BorealisError> =>
  promise.then(
    () => expect.unreachable('it did not fail'),
    (error) => error as BorealisError,
  );

test('the routes are those of the protocol', () => {
  const declared = Object.entries(operations).map(([name, { method, path, transport }]) => [
    name,
    [method, path, transport],
  ]);
  expect(routes).toEqual(Object.fromEntries(declared));
});

describe('what a call becomes', () => {
  test('fields of the path, escaped; the others in the query, lists repeated, what is undefined left out', async () => {
    await client.call('device.list', { tag: ['env=prod', 'a=b&c'], limit: 5, search: undefined });
    await client.call('device.show', { device: 'web/1 ä' });
    expect(door.heard.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['GET', '/api/v1/devices?tag=env%3Dprod&tag=a%3Db%26c&limit=5', ''],
      ['GET', '/api/v1/devices/web%2F1%20%C3%A4', ''],
    ]);
  });

  test('a body for what changes, none where nothing is left for it', async () => {
    await client.call('device.rename', { device: 'web-1', name: 'web-2' });
    await client.call('device.release', { device: 'web-1' });
    await client.call('device.remove', { device: 'web-1' });
    expect(door.heard.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['PATCH', '/api/v1/devices/web-1', '{"name":"web-2"}'],
      ['POST', '/api/v1/devices/web-1/release', ''],
      ['DELETE', '/api/v1/devices/web-1', ''],
    ]);
    expect(door.heard[0]?.headers['content-type']).toBe('application/json');
  });

  test('an upload: bytes in the body, the passphrase in its header and nowhere else, whatever its characters', async () => {
    door.answer = (_, response) => response.end('{"devices":3}');
    const passphrase = ' pä55 €:%\r\n';
    await client.upload(
      'backup.verify',
      { passphrase },
      Readable.from([Buffer.from('abc'), Buffer.from('def')]),
    );
    const [{ url, body, headers }] = door.heard as [Door['heard'][number]];
    expect([url, body]).toEqual(['/api/v1/backup/verify', 'abcdef']);
    expect(decodeURIComponent(String(headers['borealis-passphrase']))).toBe(passphrase);
  });

  test('a download: the bytes, as they come', async () => {
    door.answer = (_, response) => {
      response.write('one ');
      response.end('two');
    };
    const body = await client.download('backup.create', { passphrase: 'correct horse' });
    expect((await body.toArray()).join('')).toBe('one two');
  });

  test('pages: all of them, one after the other, or as many as are wanted', async () => {
    door.answer = ({ url }, response) => {
      const cursor = Number(/cursor=(\d)/.exec(url)?.[1] ?? 0);
      response.end(
        JSON.stringify({
          items: [{ id: cursor }, { id: cursor }],
          next_cursor: cursor < 2 ? `${cursor + 1}` : null,
        }),
      );
    };
    const ids = (await client.all('job.list', {})).map(({ id }) => Number(id));
    expect(ids).toEqual([0, 0, 1, 1, 2, 2]);
    door.heard.length = 0;
    await client.all('job.list', {}, { most: 2 });
    expect(door.heard.map(({ url }) => url)).toEqual(['/api/v1/jobs?limit=2']);
  });
});

describe('a list as text', () => {
  const pageOf = (ids: number[], cursor: string | null) =>
    JSON.stringify({ items: ids.map((id) => ({ id })), next_cursor: cursor });

  test('one page is handed on as it came', async () => {
    door.answer = (_, response) => void response.end(pageOf([1, 2], null));
    expect(await client.allText('device.list', { site: 'berlin' })).toBe('[{"id":1},{"id":2}]');
    door.answer = (_, response) => void response.end(pageOf([], null));
    expect(await client.allText('device.list', {})).toBe('[]');
    expect(door.heard.map(({ url }) => url)).toEqual([
      '/api/v1/devices?site=berlin&limit=10000',
      '/api/v1/devices?limit=10000',
    ]);
  });

  test('several pages, or an engine that writes them otherwise, come to the same', async () => {
    door.answer = ({ url }, response) =>
      void response.end(url.includes('cursor') ? pageOf([3], null) : pageOf([1, 2], 'x'));
    expect(await client.allText('device.list', {})).toBe('[{"id":1},{"id":2},{"id":3}]');
    door.answer = (_, response) => void response.end('{ "next_cursor": null, "items": [{"id":1}] }');
    expect(await client.allText('device.list', {})).toBe('[{"id":1}]');
  });
});

describe('what goes wrong', () => {
  const problem = {
    type: 'x',
    title: 'x',
    status: 404,
    detail: 'No device has that name, GUID or prefix. “web” is none.',
    code: 'DEVICE_NOT_FOUND',
    next: 'Did you mean web-1?',
  };

  test('a problem of the engine arrives as the error that it was', async () => {
    door.answer = (_, response) => void response.writeHead(404).end(JSON.stringify(problem));
    const error = await failure(client.call('device.show', { device: 'web' }));
    expect(error).toMatchObject({
      code: 'DEVICE_NOT_FOUND',
      exit: 3,
      message: problem.detail,
      next: problem.next,
      detail: '“web” is none.',
    });
  });

  test('a code that only a newer engine knows still reaches the person', async () => {
    door.answer = (_, response) =>
      void response.writeHead(418).end(JSON.stringify({ ...problem, code: 'NEW_THING', detail: 'New.' }));
    const error = await failure(client.call('status.show', {}));
    expect(error).toMatchObject({ code: 'INTERNAL', next: problem.next });
    expect(error.message).toContain('NEW_THING: New.');
  });

  test('something else that listens there is called that', async () => {
    door.answer = (_, response) => void response.writeHead(500).end('<html>');
    expect((await failure(client.call('status.show', {}))).message).toContain('is not an engine of Borealis');
  });

  test('an engine that does not answer in time', async () => {
    door.answer = () => {};
    const error = await failure(client.call('status.show', {}, { timeoutMs: 20 }));
    expect(error).toMatchObject({ code: 'TIMED_OUT', exit: 6 });
  });

  test('a call that is given up', async () => {
    const controller = new AbortController();
    door.answer = () => controller.abort();
    expect(await failure(client.call('status.show', {}, { signal: controller.signal }))).toMatchObject({
      code: 'CANCELLED',
    });
  });

  test('a connection that breaks in the middle of the answer', async () => {
    door.answer = (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"a":', () => response.destroy());
    };
    expect(await failure(client.call('status.show', {}))).toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      exit: 5,
    });
  });

  test('an upload refused before it was read', async () => {
    const big = Readable.from(
      (function* () {
        for (let i = 0; i < 64; i++) yield Buffer.alloc(65_536);
      })(),
    );
    door.answer = (_, response) =>
      void response.writeHead(403).end(JSON.stringify({ ...problem, code: 'BACKUP_PASSPHRASE' }));
    expect(await failure(client.upload('backup.verify', { passphrase: 'x' }, big))).toMatchObject({
      code: 'BACKUP_PASSPHRASE',
    });
  });
});
