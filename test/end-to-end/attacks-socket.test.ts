/** Other users of the engine's host: kept out by the mode of the socket, let to it by their group, given a role. */
import { chmodSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { operations } from '../../src/protocol/operations.ts';
import { Place } from '../lab/processes.ts';
import { type As, runAs } from '../lab/run-as.ts';
import { requires } from '../require.ts';

/** The group that is let to the socket; Debian has all of these accounts, and none of them anything else in it. */
const GROUP = 'nogroup';
const member = { user: 'nobody', group: GROUP };
const outsider = { user: 'games', group: 'games' };

describe('other users', requires('root', 'setpriv', 'curl'), () => {
  let place: Place;
  beforeEach(() => {
    place = new Place();
    chmodSync(place.directory, 0o755);
  });
  afterEach(() => place.dispose());

  const URL = 'http://borealis/api/v1';
  /** One request after the other, each as METHOD and path; the answers' codes, `200` where there was no problem. */
  const ask = async (
    who: As,
    ...requests: (readonly [method: string, path: string])[]
  ): Promise<string[]> => {
    const format = ['-sS', '--unix-socket', place.socket, '-w', '\n%{http_code}\n'];
    const args = requests.flatMap(([method, path], index) => [
      ...(index > 0 ? ['--next'] : []),
      ...format,
      ...['-X', method, `${URL}${path}`],
    ]);
    const { stdout, stderr } = await runAs(who, 'curl', args, {});
    if (stderr !== '') return [stderr.trim()];
    const lines = stdout.trim().split('\n');
    return requests.map((_, index) => {
      const [body = '', status = ''] = lines.slice(index * 2);
      return status === '200' ? status : (JSON.parse(body) as { code: string }).code;
    });
  };
  const recorded = async (result: string) =>
    (await place.client.all('audit.list', {})).filter((record) => record.result === result);

  test('a stranger does not get past the directory', async () => {
    await place.startEngine();
    expect((await ask(member, ['GET', '/status']))[0]).toMatch(/^curl: .*connect/);
    for (const path of [place.path('engine'), dirname(place.socket)])
      expect(statSync(path).mode & 0o077).toBe(0);
  });

  test('nor to a socket that was given a place in a directory where everybody may go', async () => {
    const open = place.path('open');
    mkdirSync(open, { mode: 0o755 });
    const socket = join(open, 'engine.sock');
    await place.startEngine(['--socket', socket]);
    const ask = (who: As) => runAs(who, 'curl', ['-sS', '--unix-socket', socket, `${URL}/status`], {});
    expect((await ask(outsider)).stderr).toMatch(/^curl: .*connect/);
    expect((await ask({ user: 'root', group: 'root' })).stdout).toContain('"ready":true');
  });

  test('a member of the group without a role gets an answer that says nothing, and is recorded', async () => {
    await place.startEngine([], { BOREALIS_SOCKET_GROUP: GROUP });
    expect((await ask(outsider, ['GET', '/status']))[0]).toMatch(/^curl: .*connect/);
    const asked = [
      ['GET', '/status'],
      ['GET', '/devices'],
      ['GET', '/events'],
      ['PUT', '/users/nobody'],
      ['POST', '/engine/stop'],
    ] as const;
    expect(await ask(member, ...asked)).toEqual(asked.map(() => 'STRANGER'));
    expect((await recorded('STRANGER')).map(({ actor, action }) => `${actor} ${action}`).sort()).toEqual([
      'nobody device.list',
      'nobody engine.stop',
      'nobody event.watch',
      'nobody status.show',
      'nobody user.grant',
    ]);
    // The way to the socket is no way to anything beside it.
    for (const file of ['borealis.db', 'master.key', 'logs', 'engine.lock']) {
      const { code } = await runAs(member, 'cat', [place.path('engine', file)], {});
      expect([file, code]).toEqual([file, 1]);
    }
    const listed = await runAs(member, 'ls', [place.path('engine')], {});
    expect(listed.code).not.toBe(0);
  });

  test('a viewer sees, and changes nothing: not one of all operations', async () => {
    await place.startEngine([], { BOREALIS_SOCKET_GROUP: GROUP });
    await place.client.call('user.grant', { who: 'nobody', role: 'viewer' });
    expect(await ask(member, ['GET', '/me'], ['GET', '/devices'])).toEqual(['200', '200']);
    const before = await place.client.all('audit.list', {});
    const changes = Object.values(operations)
      .filter(({ role }) => role !== 'viewer')
      .map(({ method, path }) => [method, path.replaceAll(/\{\w+\}/g, 'x')] as const);
    expect(changes.length).toBeGreaterThan(15);
    expect(await ask(member, ...changes)).toEqual(changes.map(() => 'NOT_PERMITTED'));
    const after = await place.client.all('audit.list', {});
    const fresh = after.filter(({ seq }) => seq > before[0]!.seq);
    expect(new Set(fresh.map(({ result }) => result))).toEqual(new Set(['NOT_PERMITTED']));
    expect(await place.client.call('audit.verify', {})).toMatchObject({ intact: true });
  });

  test('who loses the role while watching is cut off', async () => {
    await place.startEngine([], { BOREALIS_SOCKET_GROUP: GROUP });
    await place.client.call('user.grant', { who: 'nobody', role: 'viewer' });
    // The handshake of a WebSocket (RFC 6455 §4.1), whose frames curl then shows as they come.
    const headers = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    const key = `Sec-WebSocket-Key: ${'A'.repeat(22)}==`;
    const args = [...headers, key].flatMap((header) => ['-H', header]);
    const watching = runAs(
      member,
      'curl',
      ['-sN', '--http1.1', '--unix-socket', place.socket, ...args, `${URL}/events?after=0`],
      {},
    );
    await watching.until((text) => text.includes('user.changed'));
    await place.client.call('user.revoke', { who: 'nobody' });
    await watching.until((text) => text.includes('NOT_PERMITTED'));
    // It does not answer the close, and hears nothing more for that.
    const { id } = await place.code();
    await place.event('code.created', ({ data }) => data.id === id);
    watching.stop();
    expect((await watching).stdout).not.toContain('code.created');
  });

  test('the socket’s own name leads nowhere else: a link in its place is not followed', async () => {
    const engine = await place.startEngine();
    expect(await place.client.call('user.me', {})).toMatchObject({ role: 'admin' });
    expect((await engine.kill('SIGTERM')).code).toBe(0);
    symlinkSync(join(place.directory, 'elsewhere'), place.socket);
    const again = place.start('borealisd', ['--state', place.path('engine'), '--listen', '127.0.0.1:0']);
    const { code, stderr } = await again.finished;
    expect(code).not.toBe(0);
    expect(stderr).toContain('is not a socket');
  });
});
