/** Decisions of operators about devices whose real agents are connected: each takes effect on the live channel. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Place, type Process } from '../lab/processes.ts';

let place: Place;
beforeEach(async () => {
  place = new Place();
  await place.startEngine();
});
afterEach(() => place.dispose());

const only = async () => (await place.client.all('device.list', {}))[0]!;
/** What the agent's process wrote after `from` characters. */
const says = (agent: Process, text: string, from = 0): Promise<void> =>
  agent.until(() => agent.stderr.slice(from).includes(text), `the agent says ${text}`);
const ranOn = async (name: string): Promise<string> =>
  (await place.run(['echo', 'ran'], [name])).targets[0]!.state;

test('a denied agent ends with the reason, and is no device', async () => {
  const { link } = await place.code();
  const enrolment = place.agent('device', ['enroll', '-', '--json'], {}, link);
  const { data } = await place.event('approval.requested');
  await place.client.call('approval.deny', { approval: String(data.id), reason: 'not one of ours' });
  const { code, stdout } = await enrolment.finished;
  expect(code).not.toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    error: { code: 'ENROLMENT_DENIED', message: expect.stringContaining('not one of ours') },
  });
  expect(await place.client.all('device.list', {})).toEqual([]);
});

test('an approved agent ends enrolled, and a second approval finds nothing to approve', async () => {
  const { link } = await place.code();
  const enrolment = place.agent('device', ['enroll', '-', '--json'], {}, link);
  const { data } = await place.event('approval.requested');
  const approval = String(data.id);
  await place.client.call('approval.approve', { approval, name: 'web-1' });
  expect((await enrolment.finished).code).toBe(0);
  expect(await only()).toMatchObject({ name: 'web-1' });
  await expect(place.client.call('approval.approve', { approval })).rejects.toMatchObject({
    code: 'APPROVAL_DECIDED',
  });
});

test('quarantine ends the channel, and nothing is sent any more; release lets the agent back', async () => {
  const agent = await place.startAgent('device');
  const { name, guid } = await only();
  const before = agent.stderr.length;
  await place.client.call('device.quarantine', { device: name, reason: 'odd traffic' });
  await says(agent, 'not connected', before);
  expect(await only()).toMatchObject({ state: 'quarantined' });
  await place.event('device.quarantined', (event) => event.guid === guid);
  // It asks again, and is not let in; nothing is sent to it meanwhile.
  await says(agent, 'quarantine', before);
  await expect(place.run(['echo', 'ran'], [name], { ttl: 1 })).rejects.toMatchObject({
    code: 'DEVICE_QUARANTINED',
  });
  await place.client.call('device.release', { device: name });
  // Whoever does not want to wait for the agent's next attempt starts it anew.
  await agent.kill('SIGTERM');
  const again = place.agent('device', ['run']);
  await says(again, '"msg":"connected"');
  expect(await ranOn(name)).toBe('succeeded');
});

test('revocation ends the channel; key, certificate and tokens are worth nothing from then on', async () => {
  const agent = await place.startAgent('device');
  const { name, guid } = await only();
  const before = agent.stderr.length;
  await place.client.call('device.revoke', { device: name });
  await says(agent, 'DEVICE_REVOKED', before);
  await place.event('device.revoked', (event) => event.guid === guid);
  expect(await only()).toMatchObject({ state: 'revoked' });
  await agent.kill('SIGTERM');
  // Started anew, with all its files, it is as far away.
  const again = place.agent('device', ['run']);
  await says(again, 'DEVICE_REVOKED');
  expect(await only()).toMatchObject({ state: 'revoked' });
  expect((await again.kill('SIGTERM')).code).toBe(0);
});

test('a removed device is unknown, with all its keys', async () => {
  const agent = await place.startAgent('device');
  const before = agent.stderr.length;
  await place.client.call('device.remove', { device: (await only()).name });
  await says(agent, 'DEVICE_REVOKED', before);
  expect(await place.client.all('device.list', {})).toEqual([]);
  expect((await agent.kill('SIGTERM')).code).toBe(0);
});
