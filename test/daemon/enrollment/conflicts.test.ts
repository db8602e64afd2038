import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Approval } from '../../../src/protocol/approval.ts';
import type { CreatedCode } from '../../../src/protocol/code.ts';
import type { Device } from '../../../src/protocol/device.ts';
import { CLOSE } from '../../../src/protocol/frame.ts';
import { problem, TestEngine } from '../engine.ts';
import { fingerprintOf, type Machine, RawAgent } from '../raw-agent.ts';

let engine: TestEngine;
let manual: CreatedCode;
let automatic: CreatedCode;
beforeAll(async () => {
  engine = await TestEngine.start({
    flags: { enrol_requests_per_minute: '100000', enrol_requests_per_fingerprint: '100000' },
  });
});
afterAll(() => engine.close());
beforeEach(async () => {
  manual = (await engine.call('POST', '/codes', { uses: 100, site: 'new site', tags: { of: 'code' } }))
    .body as CreatedCode;
  automatic = (await engine.call('POST', '/codes', { uses: 100, auto_approve: true })).body as CreatedCode;
});

let count = 0;
/** A device of a name that no other test has. */
const existing = async (machine: Partial<Machine> = {}): Promise<RawAgent> => {
  count += 1;
  const agent = new RawAgent(automatic.link, { hostname: `host-${count}`, ...machine });
  await agent.enrol();
  return agent;
};
const asking = async (machine: Partial<Machine>, link = manual.link): Promise<RawAgent> => {
  const agent = new RawAgent(link, machine);
  expect((await agent.request()).status).toBe(200);
  return agent;
};
const shown = async (agent: RawAgent): Promise<Approval> =>
  (await engine.call('GET', `/approvals/${agent.asked!.request_id}`)).body as Approval;
const approve = (agent: RawAgent, choice: object = {}) =>
  engine.call('POST', `/approvals/${agent.asked!.request_id}/approve`, choice);
const device = async (ref: string): Promise<Device> =>
  (await engine.call('GET', `/devices/${encodeURIComponent(ref)}`)).body as Device;
const opensChannel = async (agent: RawAgent): Promise<boolean> => {
  const { status, socket } = await agent.channel();
  socket.destroy();
  return status === 101;
};

test('the same hostname on another machine waits, is shown, and is not approved without a decision', async () => {
  const old = await existing();
  const { hostname } = old.machine;
  const agent = await asking({ hostname, fingerprint: fingerprintOf('another machine') }, automatic.link);
  expect(await shown(agent)).toMatchObject({
    state: 'waiting',
    conflict: { kind: 'hostname', device: hostname },
  });
  const listed = (await engine.call('GET', '/approvals')).body as Approval[];
  expect(listed.find((approval) => approval.id === agent.asked!.request_id)?.conflict?.kind).toBe('hostname');
  expect(problem(await approve(agent))).toMatchObject({ status: 409, code: 'APPROVAL_CONFLICT' });
  // A name of its own says that they are two machines.
  expect((await approve(agent, { name: `${hostname}-b` })).body).toMatchObject({ state: 'approved' });
  await agent.enrol();
  expect(await opensChannel(old)).toBe(true);
  expect((await device(`${hostname}-b`)).guid).not.toBe(old.enrolled!.guid);
});

test('the same machine with another hostname clashes too, and a name does not settle that', async () => {
  const old = await existing();
  const { fingerprint, hostname } = old.machine;
  const agent = await asking({ hostname: `${hostname}-renamed`, fingerprint }, automatic.link);
  expect((await shown(agent)).conflict).toEqual({ kind: 'fingerprint', device: hostname });
  expect(problem(await approve(agent, { name: 'elsewhere' })).code).toBe('APPROVAL_CONFLICT');
});

test('merge: another key under the same GUID and name; what the old key had ends at once', async () => {
  const old = await existing();
  const { hostname, fingerprint } = old.machine;
  const { guid } = old.enrolled!;
  await engine.call('PUT', `/devices/${guid}/tags`, { set: { kept: 'yes' } });
  const live = await old.channel();
  const closing = once(live.socket, 'data');
  const agent = await asking({ hostname, fingerprint });
  const choice = { merge: hostname, overwrite: hostname };
  expect(problem(await approve(agent, choice)).code).toBe('INVALID_INPUT');
  expect((await approve(agent, { merge: hostname })).body).toMatchObject({
    state: 'approved',
    device: hostname,
  });

  const [frame] = (await closing) as [Buffer];
  expect(frame.readUInt16BE(2)).toBe(CLOSE.unauthorised);
  live.socket.destroy();
  expect((await old.refresh()).code).toBe('TOKEN_INVALID');
  const refused = await old.channel();
  refused.socket.destroy();
  expect(refused.code).toBe('EXPIRED_TOKEN');

  const enrolled = await agent.enrol();
  expect(enrolled).toMatchObject({ guid, name: hostname });
  expect((await device(guid)).tags).toEqual({ kept: 'yes' });
  expect(await opensChannel(agent)).toBe(true);
  expect(await old.refresh()).toMatchObject({ status: 401, code: 'CERTIFICATE_REQUIRED' });
});

test('merge brings a revoked device back; quarantine lasts through it', async () => {
  for (const verb of ['revoke', 'quarantine']) {
    const old = await existing();
    const { guid } = old.enrolled!;
    await engine.call('POST', `/devices/${guid}/${verb}`, {});
    const agent = await asking(old.machine);
    await approve(agent, { merge: guid });
    await agent.enrol();
    expect((await device(guid)).state).toBe(verb === 'revoke' ? 'pending' : 'quarantined');
    const { status, code, socket } = await agent.channel();
    socket.destroy();
    expect([status, code]).toEqual(verb === 'revoke' ? [101, undefined] : [403, 'DEVICE_QUARANTINED']);
  }
});

test('overwrite: the old device is revoked and keeps its history under another name', async () => {
  const old = await existing();
  const { hostname } = old.machine;
  const { guid } = old.enrolled!;
  const agent = await asking({ hostname, fingerprint: fingerprintOf('replacement') });
  expect((await approve(agent, { overwrite: guid.slice(0, 8) })).body).toMatchObject({ device: hostname });
  expect(await device(guid)).toMatchObject({
    name: `${hostname}-replaced-${guid.slice(0, 8)}`,
    state: 'revoked',
    contexts: [],
  });
  expect(await old.refresh()).toMatchObject({ status: 403, code: 'DEVICE_REVOKED' });
  const enrolled = await agent.enrol();
  expect(enrolled.name).toBe(hostname);
  expect(enrolled.guid).not.toBe(guid);
  expect(await device(hostname)).toMatchObject({ site: 'new site', tags: { of: 'code' } });
  expect(await opensChannel(agent)).toBe(true);
});

test('the user context joins its machine under one GUID, with a key of its own, when an operator approves', async () => {
  const system = await existing();
  const { hostname, fingerprint } = system.machine;
  const user = await asking({ hostname, fingerprint, context: 'user' }, automatic.link);
  expect(await shown(user)).toMatchObject({ state: 'waiting', conflict: null, context: 'user' });
  expect((await approve(user)).body).toMatchObject({ state: 'approved', device: hostname });
  expect((await user.enrol()).guid).toBe(system.enrolled!.guid);
  expect((await device(hostname)).contexts.map((one) => one.context)).toEqual(['system', 'user']);
  expect(await opensChannel(user)).toBe(true);
  expect(await opensChannel(system)).toBe(true);
  // A second one is no context to be added any more.
  const second = await asking({ hostname, fingerprint, context: 'user' });
  expect((await shown(second)).conflict?.kind).toBe('fingerprint');
});

test('a key serves one context of one device', async () => {
  const system = await existing();
  const user = new RawAgent(manual.link, { ...system.machine, context: 'user' });
  user.key = system.key;
  await user.request();
  expect((await shown(user)).conflict?.kind).toBe('fingerprint');
  expect(problem(await approve(user, { merge: system.machine.hostname })).code).toBe('APPROVAL_CONFLICT');
  const moved = new RawAgent(manual.link, { hostname: 'moved' });
  moved.key = system.key;
  await moved.request();
  expect((await shown(moved)).conflict).toEqual({ kind: 'fingerprint', device: system.machine.hostname });
  expect(problem(await approve(moved, { name: 'moved' })).code).toBe('APPROVAL_CONFLICT');
});

test('an old link does not undo a revocation; a link made after it does', async () => {
  const old = await existing();
  await engine.call('POST', `/devices/${old.enrolled!.guid}/revoke`, {});
  const before = await asking(old.machine, automatic.link);
  expect(await shown(before)).toMatchObject({ state: 'waiting', conflict: null });
  const { body } = await engine.call('POST', '/codes', { auto_approve: true });
  const after = await asking(old.machine, (body as CreatedCode).link);
  const enrolled = await after.enrol();
  expect(enrolled.guid).not.toBe(old.enrolled!.guid);
  expect(enrolled.name).toBe(`${old.machine.hostname}-2`);
});

test('two that approve themselves at once: the second goes back to the operators', async () => {
  const machine = { hostname: 'twins', fingerprint: fingerprintOf('twins') };
  const one = await asking(machine, automatic.link);
  const other = await asking(machine, automatic.link);
  expect((await shown(other)).state).toBe('approved');
  await one.enrol();
  expect(await other.complete(await other.nonce())).toMatchObject({ status: 409, code: 'APPROVAL_CONFLICT' });
  expect(await shown(other)).toMatchObject({
    state: 'waiting',
    conflict: { kind: 'fingerprint', device: 'twins' },
  });
  expect((await other.poll()).body).toMatchObject({ state: 'waiting' });
});

test('what is decided after the approval stands', async () => {
  const old = await existing();
  const agent = await asking(old.machine);
  await approve(agent, { merge: old.machine.hostname });
  await engine.call('POST', `/devices/${old.enrolled!.guid}/revoke`, {});
  expect(await agent.complete(await agent.nonce())).toMatchObject({ status: 403, code: 'ENROLMENT_DENIED' });
  expect((await agent.poll()).body).toMatchObject({ state: 'denied' });
});

test('a host that is called like an option is a device that is not', async () => {
  for (const [hostname, name] of [
    ['--all', 'all'],
    ['-rf /', 'rf /'],
    ['---', 'device'],
  ] as const) {
    const agent = await existing({ hostname });
    expect(await device(agent.enrolled!.guid)).toMatchObject({ hostname, name });
    const renamed = await engine.call('PATCH', `/devices/${agent.enrolled!.guid}`, { name: hostname });
    expect(problem(renamed).code).toBe('INVALID_INPUT');
    const other = await asking({ hostname: 'quiet' });
    expect((await approve(other, { name: hostname })).status).toBe(409);
    await engine.call('DELETE', `/devices/${agent.enrolled!.guid}`);
  }
});

test('what is to be copied into a shell runs nothing that a host has put into its name', async () => {
  const hostname = `x';touch owned;'$(reboot)`;
  await existing({ hostname });
  const agent = await asking({ hostname, fingerprint: fingerprintOf('a namesake') });
  const { next } = problem(await approve(agent));
  const [, command] = /^(borealisctl .*) \(or --overwrite/.exec(next) ?? [];
  const { stdout } = spawnSync('sh', ['-c', `set -- ${command}; printf '%s\\n' "$@"`], { encoding: 'utf8' });
  expect(stdout.split('\n').slice(-3, -1)).toEqual(['--merge', hostname]);
});
