import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERRORS } from '../../../src/protocol/errors.ts';
import { problem, TestEngine } from '../engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
});
afterAll(() => engine.close());

describe('answers', () => {
  test('an operation answers with JSON', async () => {
    const answer = await engine.call('GET', '/me');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.body).toMatchObject({ uid: process.getuid?.(), role: 'admin' });
  });

  test('a problem has code, sentence and next step (RFC 9457)', async () => {
    const answer = await engine.call('GET', '/nothing-here');
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    const { message, next } = ERRORS.NO_SUCH_OPERATION;
    expect(answer.body).toEqual({
      type: 'urn:borealis:error:NO_SUCH_OPERATION',
      title: message,
      status: 404,
      detail: message,
      code: 'NO_SUCH_OPERATION',
      next,
    });
  });

  test('a wrong method is told which ones there are', async () => {
    const answer = await engine.call('POST', '/me');
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET');
    expect(problem(answer)).toMatchObject({
      code: 'METHOD_NOT_ALLOWED',
      detail: expect.stringContaining('GET'),
    });
  });

  test('HEAD is not taken for GET', async () => {
    expect((await engine.call('HEAD', '/me')).status).toBe(405);
  });

  test('the OpenAPI document is served', async () => {
    const answer = await engine.call('GET', '/openapi.json');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ openapi: '3.1.0' });
  });

  test('a stream without upgrade says what it is', async () => {
    const answer = await engine.call('GET', '/events');
    expect(answer.status).toBe(426);
    expect(problem(answer).code).toBe('WEBSOCKET_REQUIRED');
  });
});

describe('input', () => {
  const put = (body?: object | string, headers?: Record<string, string>) =>
    engine.call('PUT', '/users/root', body, headers);

  test.each([
    ['an extra key', { role: 'viewer', extra: 1 }, /extra: there is no such field/],
    ['a missing field', {}, /role: /],
    ['a wrong value', { role: 'emperor' }, /role: /],
    ['a wrong type', { role: 5 }, /role: /],
    ['another name than in the path', { role: 'viewer', who: 'nobody' }, /who: the path names another/],
    ['an array', [], /not a JSON object/],
  ])('refuses %s, naming it', async (_what, body, says) => {
    const answer = await put(body);
    expect(answer.status).toBe(400);
    expect(problem(answer)).toMatchObject({ code: 'INVALID_INPUT', detail: expect.stringMatching(says) });
  });

  test('never repeats the value', async () => {
    const answer = await put({ role: 'secret-of-mine' });
    expect(answer.text).not.toContain('secret-of-mine');
  });

  test.each([
    ['cut off', '{"role":"viewer"'],
    ['empty', ''],
    ['with __proto__', '{"role":"viewer","__proto__":{"x":1}}'],
    ['with constructor.prototype', '{"role":"viewer","constructor":{"prototype":{"x":1}}}'],
  ])('refuses JSON that is %s', async (_what, text) => {
    const answer = await put(text, { 'content-type': 'application/json' });
    expect(answer.status).toBe(400);
    expect(problem(answer).code).toBe('INVALID_JSON');
  });

  test('refuses a body that is not JSON', async () => {
    const answer = await put('role=viewer', { 'content-type': 'application/x-www-form-urlencoded' });
    expect(answer.status).toBe(400);
    expect(problem(answer).code).toBe('INVALID_JSON');
  });

  test('refuses fields in the query of an operation with a body', async () => {
    const answer = await engine.call('PUT', '/users/root?project=a', { role: 'viewer' });
    expect(problem(answer)).toMatchObject({
      code: 'INVALID_INPUT',
      detail: expect.stringContaining('project'),
    });
  });

  test('refuses a body of an operation that takes its fields in the query', async () => {
    const answer = await engine.call('DELETE', '/users/nobody', { project: 'a' });
    expect(problem(answer)).toMatchObject({
      code: 'INVALID_INPUT',
      detail: expect.stringContaining('query'),
    });
  });

  test('refuses an unknown query parameter', async () => {
    const answer = await engine.call('GET', '/audit?colour=red');
    expect(problem(answer)).toMatchObject({
      code: 'INVALID_INPUT',
      detail: expect.stringContaining('colour'),
    });
  });

  test('refuses a body over 2 MiB, in one piece or in chunks', async () => {
    const large = JSON.stringify({ role: 'viewer', filler: 'x'.repeat(2 * 1_048_576) });
    const whole = await put(large, { 'content-type': 'application/json' });
    expect(whole.status).toBe(413);
    expect(problem(whole).code).toBe('BODY_TOO_LARGE');
    const chunked = await put(large, {
      'content-type': 'application/json',
      'transfer-encoding': 'chunked',
    }).catch(
      // The engine may hang up while the rest is still being sent.
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (typeof chunked === 'object') expect(chunked.status).toBe(413);
    else expect(['EPIPE', 'ECONNRESET']).toContain(chunked);
  });

  test('a value nested more deeply than it could be read is the caller’s fault, not the engine’s', async () => {
    for (const depth of [5_000, 200_000]) {
      const value = `${'['.repeat(depth)}${']'.repeat(depth)}`;
      const answer = await engine.call('PUT', '/config/log_level', `{"value":${value}}`, {
        'content-type': 'application/json',
      });
      expect(answer.status).toBe(400);
      expect(problem(answer).code).toBe('INVALID_INPUT');
    }
  });

  test('refuses more conditions than a query can have', async () => {
    const answer = await engine.call('GET', `/devices?${'tag=a=b&'.repeat(1_200)}`);
    expect(answer.status).toBe(400);
    expect(problem(answer).code).toBe('INVALID_INPUT');
  });

  test('takes a name that is percent-encoded', async () => {
    const answer = await engine.call('DELETE', '/users/%40no-such-group');
    expect(problem(answer).code).toBe('GRANT_NOT_FOUND');
  });

  test('answers 404 to a path that is not percent-encoded rightly', async () => {
    expect((await engine.call('GET', '/devices/%zz')).status).toBe(404);
  });
});

describe('what is not HTTP', () => {
  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(engine.socket, () => socket.write(bytes));
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk;
      });
      socket.on('close', () => resolve(heard));
      socket.on('error', reject);
    });

  test('is answered with 400 and hung up on', async () => {
    expect(await raw('\x16\x03\x01 this is no request\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('two lengths are refused', async () => {
    const smuggled =
      'POST /api/v1/me HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(await raw(smuggled)).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('the engine goes on', async () => {
    expect((await engine.call('GET', '/me')).status).toBe(200);
  });
});

describe('the socket', () => {
  test('a socket left behind is replaced', async () => {
    const first = await TestEngine.start();
    // A listener that vanished without unlinking, as after kill -9.
    await first.close({ keep: true });
    const { createServer } = await import('node:net');
    const stale = createServer();
    await new Promise<void>((resolve) => stale.listen(first.socket, resolve));
    const second = await TestEngine.start({ state: first.state });
    expect((await second.call('GET', '/me')).status).toBe(200);
    await second.close();
    stale.close();
  });

  test('another file at its path is left alone', async () => {
    const first = await TestEngine.start();
    await first.close({ keep: true });
    writeFileSync(first.socket, 'precious');
    await expect(TestEngine.start({ state: first.state })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(first.socket),
    });
    rmSync(join(first.state, '..'), { recursive: true });
  });

  test('a directory in which others could put a socket of their own is refused', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'borealis-socket-'));
    const start = () => TestEngine.start({ flags: { socket: join(directory, 's') } });
    for (const mode of [0o777, 0o770, 0o702]) {
      chmodSync(directory, mode);
      await expect(start()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    }
    for (const mode of [0o755, 0o1777]) {
      chmodSync(directory, mode);
      const started = await start();
      expect((await started.call('GET', '/me')).status).toBe(200);
      await started.close();
      expect(statSync(directory).mode & 0o7777).toBe(mode);
    }
    rmSync(directory, { recursive: true });
  });

  test('a path that the kernel cannot hold is refused', async () => {
    await expect(TestEngine.start({ flags: { socket: `/tmp/${'x'.repeat(120)}` } })).rejects.toMatchObject({
      code: 'PATH_TOO_LONG',
    });
  });
});
