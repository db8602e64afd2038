import { afterAll, beforeAll, expect, test } from 'vitest';
import { problem, TestEngine } from '../engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start();
});
afterAll(() => engine.close());

test('user.grant, user.list, user.revoke: what was granted is listed until it is taken away', async () => {
  const made = await engine.call('PUT', '/users/nobody', { role: 'operator' });
  expect(made.body).toMatchObject({ who: 'nobody', role: 'operator', project: null });
  await engine.call('PUT', '/users/%40root', { role: 'viewer' });
  const changed = await engine.call('PUT', '/users/nobody', { role: 'viewer' });
  expect(changed.body).toMatchObject({ who: 'nobody', role: 'viewer' });
  const { body } = await engine.call('GET', '/users');
  expect(body).toMatchObject([
    { who: '@root', role: 'viewer' },
    { who: 'nobody', role: 'viewer' },
  ]);
  expect((await engine.call('DELETE', '/users/%40root')).status).toBe(200);
  expect((await engine.call('DELETE', '/users/nobody')).body).toEqual({});
  expect((await engine.call('GET', '/users')).body).toEqual([]);
});

test('grants of a project stand beside the one for the whole engine', async () => {
  await engine.call('PUT', '/users/nobody', { role: 'viewer' });
  await engine.call('PUT', '/users/nobody', { role: 'admin', project: 'north' });
  expect((await engine.call('GET', '/users')).body).toMatchObject([
    { who: 'nobody', role: 'viewer', project: null },
    { who: 'nobody', role: 'admin', project: 'north' },
  ]);
  await engine.call('DELETE', '/users/nobody?project=north');
  expect((await engine.call('GET', '/users')).body).toMatchObject([{ who: 'nobody', project: null }]);
  await engine.call('DELETE', '/users/nobody');
});

test('who has no role cannot lose it', async () => {
  expect(problem(await engine.call('DELETE', '/users/nobody')).code).toBe('GRANT_NOT_FOUND');
});

test.each(['no-such-user', '@no-such-group', 'nogroup', '@daemon2'])(
  '%s is no account of this host',
  async (who) => {
    const answer = await engine.call('PUT', `/users/${encodeURIComponent(who)}`, { role: 'viewer' });
    expect(problem(answer).code).toBe('UNKNOWN_ACCOUNT');
  },
);

test.each(['#65534', '../../etc', '@', '-root', 'a b'])('%s is no name of an account at all', async (who) => {
  const answer = await engine.call('PUT', `/users/${encodeURIComponent(who)}`, { role: 'viewer' });
  expect(problem(answer).code).toBe('INVALID_INPUT');
});

test('grants are there after a restart', async () => {
  const first = await TestEngine.start();
  await first.call('PUT', '/users/nobody', { role: 'operator' });
  await first.close({ keep: true });
  const second = await TestEngine.start({ state: first.state });
  expect((await second.call('GET', '/users')).body).toMatchObject([{ who: 'nobody', role: 'operator' }]);
  await second.close();
});

test('user.me tells the caller as the kernel sees it', async () => {
  const { body } = await engine.call('GET', '/me');
  expect(body).toMatchObject({ uid: process.getuid?.(), role: 'admin' });
});
