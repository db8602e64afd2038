import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { userInfo } from 'node:os';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { BorealisError } from '../../../src/protocol/errors.ts';
import { problem } from '../engine.ts';
import { type Door, openDoor } from './door.ts';

let door: Door | undefined;
afterEach(async () => {
  await door?.close();
  door = undefined;
});

const summary = {
  created_at: new Date(0).toISOString(),
  engine_version: '0',
  schema_version: 1,
  devices: 0,
  size_bytes: 0,
  ca_pin: '',
};
const audited = async (): Promise<unknown[]> =>
  door!.store.read
    .selectFrom('audit')
    .select(['actor', 'action', 'target', 'result'])
    .orderBy('seq')
    .execute();

describe('upload', () => {
  test('the body reaches the handler as a stream, however large, and the passphrase by header', async () => {
    let heard = '';
    const hash = createHash('sha256');
    door = await openDoor({
      'backup.verify': async ({ passphrase }, { body }) => {
        heard = passphrase;
        let size = 0;
        for await (const chunk of body) {
          hash.update(chunk as Buffer);
          size += (chunk as Buffer).length;
        }
        return { ...summary, size_bytes: size };
      },
    });
    const bytes = Buffer.alloc(20 * 1_048_576, 'borealis');
    const answer = await door.call('POST', '/backup/verify', bytes, {
      'content-type': 'application/octet-stream',
      'borealis-passphrase': 'correct horse',
    });
    expect(answer.body).toMatchObject({ size_bytes: bytes.length });
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(heard).toBe('correct horse');
    expect(door.lines.join()).not.toContain('correct horse');
  });

  test('a handler that refuses early answers although nobody read the body', async () => {
    door = await openDoor({
      'backup.verify': async () => {
        throw new BorealisError('BACKUP_PASSPHRASE');
      },
    });
    const answer = await door.call('POST', '/backup/verify', Buffer.alloc(50_000), {
      'borealis-passphrase': 'x',
    });
    expect(problem(answer).code).toBe('BACKUP_PASSPHRASE');
  });

  test('without passphrase it is refused', async () => {
    door = await openDoor({ 'backup.verify': async () => summary });
    const answer = await door.call('POST', '/backup/verify', Buffer.alloc(5));
    expect(problem(answer)).toMatchObject({
      code: 'INVALID_INPUT',
      detail: expect.stringContaining('passphrase'),
    });
  });
});

describe('binary', () => {
  test('the stream is the body', async () => {
    door = await openDoor({
      'backup.create': async () => Readable.from([Buffer.from('sea'), Buffer.from('led')]),
    });
    const answer = await door.call('POST', '/backup', { passphrase: 'correct horse' });
    expect(answer.headers['content-type']).toBe('application/octet-stream');
    expect(answer.text).toBe('sealed');
  });

  test('a stream that breaks breaks the answer: a short backup must not pass for a whole one', async () => {
    door = await openDoor({
      'backup.create': async () =>
        Readable.from(
          (async function* () {
            yield Buffer.alloc(100_000);
            throw new Error('disk');
          })(),
        ),
    });
    await expect(door.call('POST', '/backup', { passphrase: 'correct horse' })).rejects.toThrow();
  });
});

describe('a change without a record of its own', () => {
  test('gets a plain one', async () => {
    door = await openDoor({ 'script.remove': async () => ({}) });
    await door.call('DELETE', '/scripts/motd');
    expect(await audited()).toEqual([
      { actor: userInfo().username, action: 'script.remove', target: 'motd', result: 'done' },
    ]);
  });

  test('gets none where it failed', async () => {
    door = await openDoor({
      'script.remove': async () => {
        throw new BorealisError('SCRIPT_NOT_FOUND');
      },
    });
    await door.call('DELETE', '/scripts/motd');
    expect(await audited()).toEqual([]);
  });
});

test('a fault of the engine says nothing of its inside, but the log does', async () => {
  door = await openDoor({
    'script.list': async () => {
      throw new Error('the inside');
    },
  });
  const answer = await door.call('GET', '/scripts');
  expect(answer.status).toBe(500);
  expect(problem(answer).code).toBe('INTERNAL');
  expect(answer.text).not.toContain('the inside');
  expect(door.lines.join()).toContain('the inside');
});

test('the handler hears that the caller hung up', async () => {
  const begun = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<void>();
  door = await openDoor({
    'script.list': async (_input, { signal }) => {
      begun.resolve();
      signal.addEventListener('abort', () => heard.resolve());
      await heard.promise;
      return [];
    },
  });
  const outgoing = request({ socketPath: door.path, path: '/api/v1/scripts' });
  outgoing.on('error', () => {
    // It is what this test does.
  });
  outgoing.end();
  await begun.promise;
  outgoing.destroy();
  await heard.promise;
});

test('a request under way is answered although the engine stops', async () => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  door = await openDoor({
    'script.list': async () => {
      begun.resolve();
      await go.promise;
      return [];
    },
  });
  const answer = door.call('GET', '/scripts');
  await begun.promise;
  const closing = door.api.close();
  go.resolve();
  expect((await answer).body).toEqual([]);
  await closing;
});

test('a request that does not end is cut off when the engine stops', async () => {
  const begun = Promise.withResolvers<void>();
  let reason: unknown;
  door = await openDoor({
    'script.list': (_input, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          reject(signal.reason);
        });
        begun.resolve();
      }),
  });
  const answer = door.call('GET', '/scripts').catch((error: Error) => error);
  await begun.promise;
  await door.api.close();
  expect(reason).toMatchObject({ code: 'ENGINE_STARTING' });
  const ended = await answer;
  if (!(ended instanceof Error)) expect(problem(ended).code).toBe('ENGINE_STARTING');
});
