import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditRecord } from '../../../src/protocol/audit.ts';
import type { CreatedCode } from '../../../src/protocol/code.ts';
import type { Device } from '../../../src/protocol/device.ts';
import { problem, TestEngine } from '../engine.ts';
import { RawAgent } from '../raw-agent.ts';

let engine: TestEngine;
const enrolled = new Map<string, RawAgent>();

const call = (method: string, path: string, body?: object) => engine.call(method, path, body);
const list = async (query = ''): Promise<{ items: Device[]; next_cursor: string | null }> => {
  const answer = await call('GET', `/devices${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body as { items: Device[]; next_cursor: string | null };
};
const names = async (query = ''): Promise<string[]> => (await list(query)).items.map((device) => device.name);

beforeAll(async () => {
  engine = await TestEngine.start({ flags: { enrol_requests_per_minute: '1000' } });
  for (const [hostname, site, tags] of [
    ['web1', 'north', { role: 'web', tier: 'front' }],
    ['web2', 'south', { role: 'web', tier: 'back' }],
    ['db1', 'north', { role: 'db' }],
    ['100%_real', 'south', {}],
    ['büro', 'south', {}],
  ] as const) {
    const { body } = await call('POST', '/codes', { auto_approve: true, site, tags });
    const agent = new RawAgent((body as CreatedCode).link, { hostname });
    await agent.enrol();
    enrolled.set(hostname, agent);
  }
});
afterAll(() => engine.close());

test('listed by name, filtered by site, tags and part of a name', async () => {
  expect(await names()).toEqual(['100%_real', 'büro', 'db1', 'web1', 'web2']);
  expect(await names('?site=north')).toEqual(['db1', 'web1']);
  expect(await names('?tag=role%3Dweb')).toEqual(['web1', 'web2']);
  expect(await names('?tag=role%3Dweb&tag=tier%3Dback')).toEqual(['web2']);
  expect(await names('?tag=role%3Dweb&site=north')).toEqual(['web1']);
  expect(await names('?search=EB')).toEqual(['web1', 'web2']);
  expect(await names('?search=%25_')).toEqual(['100%_real']);
  expect(await names('?search=b%25')).toEqual([]);
  expect(await names('?search=%C3%BCr')).toEqual(['büro']);
  expect(problem(await call('GET', '/devices?tag=role')).code).toBe('INVALID_INPUT');
});

test('the sites and tags that there are, by their beginnings', async () => {
  const groups = async (query: string) => (await call('GET', `/device-groups?${query}`)).body;
  expect(await groups('of=site')).toEqual([
    { name: 'north', devices: 2 },
    { name: 'south', devices: 3 },
  ]);
  expect(await groups('of=site&prefix=no')).toEqual([{ name: 'north', devices: 2 }]);
  expect(await groups('of=tag&limit=2')).toEqual([
    { name: 'role=db', devices: 1 },
    { name: 'role=web', devices: 2 },
  ]);
  expect(await groups('of=tag&prefix=t')).toEqual([
    { name: 'tier=back', devices: 1 },
    { name: 'tier=front', devices: 1 },
  ]);
  expect(await groups('of=tag&prefix=tier%3Df')).toEqual([{ name: 'tier=front', devices: 1 }]);
  expect(await groups('of=tag&prefix=tie%3Df')).toEqual([]);
});

test('a page at a time', async () => {
  const first = await list('?limit=2');
  expect(first.items.map((device) => device.name)).toEqual(['100%_real', 'büro']);
  const second = await list(`?limit=2&cursor=${first.next_cursor}`);
  expect(second.items.map((device) => device.name)).toEqual(['db1', 'web1']);
  const last = await list(`?limit=2&cursor=${second.next_cursor}`);
  expect(last).toMatchObject({ items: [{ name: 'web2' }], next_cursor: null });
  expect((await list('?limit=5')).next_cursor).toBeNull();
  expect(problem(await call('GET', '/devices?cursor=%3F')).code).toBe('INVALID_INPUT');
});

test('what is online shows in list, state and contexts', async () => {
  expect(await names('?state=pending')).toHaveLength(5);
  const agent = enrolled.get('web2')!;
  const { socket } = await agent.channel();
  const hello = JSON.stringify({
    type: 'HELLO',
    guid: agent.enrolled!.guid,
    context: 'system',
    agent_version: '0.1.0',
    hostname: 'web2',
    os: 'linux',
    arch: 'x64',
    now: new Date().toISOString(),
    verbs: [],
  });
  const watching = engine.watch('/events?type=device.online');
  await watching.opened;
  socket.write(textFrame(hello));
  await watching.next();
  await watching.close();
  expect(await list('?state=online')).toMatchObject({
    items: [{ name: 'web2', state: 'online', contexts: [{ context: 'system', online: true }] }],
    next_cursor: null,
  });
  expect(await names('?state=pending&limit=2')).toEqual(['100%_real', 'büro']);
  const gone = engine.watch('/events?type=device.offline');
  await gone.opened;
  socket.end(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
  await gone.next();
  await gone.close();
  expect(await names('?state=offline')).toEqual(['web2']);
});

test('named by name, GUID or a prefix of either that is one device’s', async () => {
  const { guid } = enrolled.get('db1')!.enrolled!;
  for (const ref of ['db1', 'db', guid, guid.toUpperCase(), guid.slice(0, 13)])
    expect((await call('GET', `/devices/${ref}`)).body, ref).toMatchObject({ guid, name: 'db1' });
  const ambiguous = problem(await call('GET', '/devices/we'));
  expect(ambiguous).toMatchObject({ status: 409, code: 'DEVICE_AMBIGUOUS' });
  expect(ambiguous.detail).toMatch(/web1 \([0-9a-f]{8}\), web2/);
  const unknown = problem(await call('GET', '/devices/wbe1'));
  expect(unknown).toMatchObject({ status: 404, code: 'DEVICE_NOT_FOUND' });
  expect(unknown.next).toContain('web1');
  expect(problem(await call('GET', '/devices/zzzzzz')).next).toBe(
    'List devices with: borealisctl device list',
  );
  expect((await call('GET', '/device-names?prefix=we')).body).toEqual(['web1', 'web2']);
});

test('another name; not one that is taken or that reads like a GUID', async () => {
  const { guid } = enrolled.get('web1')!.enrolled!;
  expect((await call('PATCH', '/devices/web1', { name: 'front door' })).body).toMatchObject({
    guid,
    name: 'front door',
  });
  expect(problem(await call('PATCH', `/devices/${guid}`, { name: 'db1' })).code).toBe('DEVICE_NAME_TAKEN');
  const other = enrolled.get('db1')!.enrolled!.guid;
  expect(problem(await call('PATCH', `/devices/${guid}`, { name: other })).code).toBe('INVALID_INPUT');
  expect((await call('PATCH', `/devices/${guid}`, { name: 'web1' })).body).toMatchObject({ name: 'web1' });
});

test('tags and site are set, removed, searched', async () => {
  const set = { role: 'cache', owner: 'ops' };
  const { body } = await call('PUT', '/devices/db1/tags', { set, remove: ['tier', 'absent'], site: null });
  expect(body).toMatchObject({ tags: set, site: null });
  expect(await names('?tag=owner%3Dops')).toEqual(['db1']);
  expect(await names('?tag=role%3Ddb')).toEqual([]);
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`t${index}`, 'x']));
  expect(problem(await call('PUT', '/devices/db1/tags', { set: many })).code).toBe('INVALID_INPUT');
});

test('quarantine, release, revoke and remove are told and recorded under who did it', async () => {
  const { body } = await call('POST', '/codes', { auto_approve: true });
  const agent = new RawAgent((body as CreatedCode).link, { hostname: 'doomed' });
  const { guid } = await agent.enrol();
  const watching = engine.watch(
    '/events?type=device.quarantined&type=device.released&type=device.revoked&type=device.removed',
  );
  await watching.opened;
  expect(problem(await call('POST', '/devices/doomed/release')).code).toBe('DEVICE_STATE_CONFLICT');
  await call('POST', '/devices/doomed/quarantine', { reason: 'odd traffic' });
  expect(problem(await call('POST', '/devices/doomed/quarantine', {})).code).toBe('DEVICE_STATE_CONFLICT');
  expect(await names('?state=quarantined')).toEqual(['doomed']);
  await call('POST', '/devices/doomed/release');
  await call('POST', '/devices/doomed/revoke', {});
  expect(await names('?state=revoked')).toEqual(['doomed']);
  expect(problem(await call('POST', '/devices/doomed/quarantine', {})).code).toBe('DEVICE_STATE_CONFLICT');
  expect((await call('DELETE', '/devices/doomed')).body).toEqual({});
  expect((await call('GET', `/devices/${guid}`)).status).toBe(404);
  expect(await watching.take(4)).toMatchObject([
    { type: 'device.quarantined', device: 'doomed', guid, data: { reason: 'odd traffic' } },
    { type: 'device.released' },
    { type: 'device.revoked' },
    { type: 'device.removed' },
  ]);
  await watching.close();
  const { items } = (await call('GET', '/audit?limit=1000')).body as { items: AuditRecord[] };
  const actions = items.filter((record) => record.target === 'doomed').map((record) => record.action);
  expect(actions).toEqual(
    expect.arrayContaining([
      'device.quarantine',
      'device.release',
      'device.revoke',
      'device.remove',
      'device.enrol',
    ]),
  );
});

test('an inventory that was not sent yet', async () => {
  expect(problem(await call('GET', '/devices/db1/inventory')).code).toBe('INVENTORY_UNKNOWN');
});

/** A masked text frame (RFC 6455 §5.2) of up to 65,535 bytes. */
const textFrame = (text: string): Buffer => {
  const payload = Buffer.from(text);
  const head = Buffer.from([0x81, 0x80 | 126, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
};
