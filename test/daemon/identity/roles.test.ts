/** Who may do what, with the kernel's own word: each caller is a process of another user. */
import { chmodSync, mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../../src/protocol/audit.ts';
import { requires } from '../../require.ts';
import { problem, TestEngine } from '../engine.ts';
import { callAs } from '../other-user.ts';

/** Its group may reach the socket. */
const GROUP = 'nogroup';
const nobody = { user: 'nobody', group: GROUP };
const daemon = { user: 'daemon', group: GROUP };

describe('callers', requires('root', 'curl'), () => {
  let engine: TestEngine;
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'borealis-roles-'));
    chmodSync(directory, 0o755);
    engine = await TestEngine.start({ state: join(directory, 'state'), flags: { socket_group: GROUP } });
  });
  afterAll(() => engine.close());

  const grant = async (who: string, role: string): Promise<void> => {
    const answer = await engine.call('PUT', `/users/${encodeURIComponent(who)}`, { role });
    expect(answer.status, answer.text).toBe(200);
  };
  const revoke = (who: string) => engine.call('DELETE', `/users/${encodeURIComponent(who)}`);
  const newestAudit = async (): Promise<AuditRecord> => {
    const { body } = await engine.call('GET', '/audit?limit=1');
    return (body as { items: AuditRecord[] }).items[0]!;
  };

  test('a stranger is refused, whatever it asks for, and recorded', async () => {
    for (const path of ['/me', '/status', '/openapi.json', '/no-such-thing', '/events']) {
      const answer = await callAs(nobody, engine.socket, 'GET', path);
      expect(answer.status).toBe(403);
      expect(problem(answer)).toMatchObject({
        code: 'STRANGER',
        next: 'Ask an admin to run: borealisctl user grant nobody viewer',
      });
    }
    expect(await newestAudit()).toMatchObject({ actor: 'nobody', action: 'event.watch', result: 'STRANGER' });
  });

  test('a stranger learns nothing from malformed input', async () => {
    const answer = await callAs(nobody, engine.socket, 'PUT', '/users/nobody', {
      role: 'admin',
      extra: true,
    });
    expect(problem(answer).code).toBe('STRANGER');
  });

  test('a refusal that is repeated is recorded once', async () => {
    const before = (await newestAudit()).seq;
    for (let i = 0; i < 5; i++) await callAs(nobody, engine.socket, 'GET', '/users');
    expect((await newestAudit()).seq).toBe(before + 1);
  });

  test('paths that a stranger makes up fill no disk', async () => {
    const before = (await newestAudit()).seq;
    for (let n = 0; n < 20; n++) await callAs(daemon, engine.socket, 'GET', `/made-up-${n}`);
    expect((await newestAudit()).seq).toBe(before + 1);
    expect(await newestAudit()).toMatchObject({ action: 'GET /api/v1/made-up-0', result: 'STRANGER' });
  });

  test('a viewer sees and may not change; the grant counts at once, and so does its end', async () => {
    await grant('nobody', 'viewer');
    const me = await callAs(nobody, engine.socket, 'GET', '/me');
    expect(me.body).toEqual({ user: 'nobody', uid: 65_534, groups: [GROUP], role: 'viewer' });
    const change = await callAs(nobody, engine.socket, 'PUT', '/users/nobody', { role: 'admin' });
    expect(change.status).toBe(403);
    expect(problem(change)).toMatchObject({
      code: 'NOT_PERMITTED',
      detail: expect.stringContaining('user.grant needs the role admin; nobody is viewer.'),
    });
    expect(await newestAudit()).toMatchObject({
      actor: 'nobody',
      action: 'user.grant',
      result: 'NOT_PERMITTED',
    });
    expect((await revoke('nobody')).status).toBe(200);
    expect(problem(await callAs(nobody, engine.socket, 'GET', '/me')).code).toBe('STRANGER');
  });

  test('the highest role among user and groups counts', async () => {
    await grant(`@${GROUP}`, 'operator');
    await grant('daemon', 'viewer');
    expect((await callAs(daemon, engine.socket, 'GET', '/me')).body).toMatchObject({ role: 'operator' });
    await grant('daemon', 'admin');
    expect((await callAs(daemon, engine.socket, 'GET', '/me')).body).toMatchObject({ role: 'admin' });
    await revoke(`@${GROUP}`);
    await revoke('daemon');
  });

  test('a group counts only for its members', async () => {
    await grant('@games', 'admin');
    expect(problem(await callAs(nobody, engine.socket, 'GET', '/me')).code).toBe('STRANGER');
    await revoke('@games');
  });

  test('a grant within a project gives no role in the engine', async () => {
    await engine.call('PUT', '/users/nobody', { role: 'admin', project: 'north' });
    expect(problem(await callAs(nobody, engine.socket, 'GET', '/me')).code).toBe('STRANGER');
    for (const path of ['/devices', '/status', '/audit', '/users', '/events'])
      expect(problem(await callAs(nobody, engine.socket, 'GET', path)).code, path).toBe('STRANGER');
    await engine.call('DELETE', '/users/nobody?project=north');
    expect(problem(await callAs(nobody, engine.socket, 'GET', '/vpn-services')).code).toBe('STRANGER');
  });

  test('but in the project, and a refusal in another one is recorded', async () => {
    await engine.call('PUT', '/users/nobody', { role: 'viewer', project: 'north' });
    expect((await callAs(nobody, engine.socket, 'GET', '/vpn-services')).body).toEqual([]);
    const other = await callAs(nobody, engine.socket, 'GET', '/vpn-services?project=south');
    expect(problem(other)).toMatchObject({ status: 403, code: 'NOT_PERMITTED' });
    expect(await newestAudit()).toMatchObject({
      actor: 'nobody',
      action: 'vpn.list',
      result: 'NOT_PERMITTED',
    });
    const more = { name: 'x', project: 'north', endpoint: 'h:1', pool: '10.9.0.0/24' };
    expect(problem(await callAs(nobody, engine.socket, 'POST', '/vpn-services', more)).code).toBe(
      'NOT_PERMITTED',
    );
    await engine.call('DELETE', '/users/nobody?project=north');
  });

  test('a user outside of the group does not even reach the socket', async () => {
    await grant('games', 'admin');
    await expect(callAs({ user: 'games', group: 'games' }, engine.socket, 'GET', '/me')).rejects.toThrow(
      /curl/,
    );
    await revoke('games');
  });

  test('modes let the group through to the socket and nowhere else', () => {
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    expect(mode(engine.socket)).toBe('660');
    expect(mode(dirname(engine.socket))).toBe('750');
    expect(mode(engine.state)).toBe('710');
    expect(mode(join(engine.state, 'logs'))).toBe('700');
    for (const file of ['borealis.db', 'master.key', 'engine.lock'])
      expect(mode(join(engine.state, file))).toBe('600');
  });

  test('a group gets through to the socket though whoever started the engine named its usual place', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'borealis-roles-'));
    chmodSync(directory, 0o755);
    const state = join(directory, 'state');
    const named = await TestEngine.start({
      state,
      flags: { socket_group: GROUP, socket: join(state, 'run', 'borealisd.sock') },
    });
    const answer = await callAs(nobody, named.socket, 'GET', '/me').finally(() => named.close());
    expect(problem(answer).code).toBe('STRANGER');
  });

  test('without a group only root and the engine’s user reach it', async () => {
    const closed = await TestEngine.start();
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    expect(mode(closed.socket)).toBe('600');
    expect(mode(dirname(closed.socket))).toBe('700');
    expect(mode(closed.state)).toBe('700');
    await closed.close();
  });

  test('a group that does not exist is told at the start', async () => {
    await expect(TestEngine.start({ flags: { socket_group: 'no-such-group' } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('no-such-group'),
    });
  });
});
