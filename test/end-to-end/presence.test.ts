/** Real agents that come and go: who is shown online, and what becomes of commands for those that are not. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listeningSockets } from '../lab/proc.ts';
import { Place, type Process } from '../lab/processes.ts';
import { requires } from '../require.ts';

let place: Place;
let engine: Process;
/** A heartbeat a second, and two of silence are enough: 15 and 40 otherwise, which is shown within 45. */
const HASTE = { BOREALIS_HEARTBEAT_SECONDS: '1', BOREALIS_OFFLINE_AFTER_SECONDS: '2' };
beforeEach(async () => {
  place = new Place();
  engine = await place.startEngine([], HASTE);
});
afterEach(() => place.dispose());

const only = async () => (await place.client.all('device.list', {}))[0]!;

test('the agent opens no listening socket, idle or at work', requires('linux'), async () => {
  const agent = await place.startAgent('device');
  const { name } = await only();
  const job = await place.client.call('job.create', {
    devices: [name],
    work: { kind: 'command', argv: ['/bin/sh', '-c', 'echo begun; sleep 600'] },
  });
  for await (const message of place.client.stream('job.watch', { job: job.id }))
    if (message.type === 'output') break;
  expect(listeningSockets(agent.child.pid!)).toEqual([]);
  // So that an empty list means something.
  expect(listeningSockets(engine.child.pid!).length).toBeGreaterThanOrEqual(2);
  await place.client.call('job.cancel', { job: job.id });
  expect((await place.finished(job.id)).state).toBe('cancelled');
  expect(listeningSockets(agent.child.pid!)).toEqual([]);
});

test('a clean stop is shown as soon as the agent has ended', async () => {
  const agent = await place.startAgent('device');
  const { guid } = await only();
  await place.event('device.online', (event) => event.guid === guid);
  expect((await agent.kill('SIGTERM')).code).toBe(0);
  expect(await only()).toMatchObject({ state: 'offline' });
  await place.event('device.offline', (event) => event.guid === guid);
});

test('an agent that falls silent is shown offline though its connection stands, and online when it is back', async () => {
  const agent = await place.startAgent('device');
  const { guid } = await only();
  const online = await place.event('device.online', (event) => event.guid === guid);
  agent.child.kill('SIGSTOP');
  const offline = await place.event('device.offline', (event) => event.guid === guid, online.id);
  expect(await only()).toMatchObject({ state: 'offline' });
  agent.child.kill('SIGCONT');
  await place.event('device.online', (event) => event.guid === guid, offline.id);
  expect(await only()).toMatchObject({ state: 'online' });
});

test('a killed agent is shown offline as soon as its connection has broken', async () => {
  const agent = await place.startAgent('device');
  await agent.kill('SIGKILL');
  while ((await only()).state !== 'offline') await place.client.call('user.me', {});
});

test('a command for an offline device waits and runs when it returns; one that waited too long says so', async () => {
  const agent = await place.startAgent('device');
  const { name } = await only();
  await agent.kill('SIGTERM');
  const work = (text: string) => ({ kind: 'command' as const, argv: ['echo', text] });
  const patient = await place.client.call('job.create', { devices: [name], work: work('late'), ttl: 3_600 });
  const hasty = await place.client.call('job.create', { devices: [name], work: work('never'), ttl: 1 });
  expect(patient.targets[0]).toMatchObject({ state: 'queued' });
  const expired = await place.finished(hasty.id);
  expect(expired).toMatchObject({ state: 'expired' });
  expect(expired.targets[0]).toMatchObject({ state: 'expired', error_code: 'COMMAND_EXPIRED', stdout: '' });

  // Over a restart of the engine too: the queue is on its disk.
  const address = await place.agentAddress();
  await engine.kill('SIGKILL');
  await place.startEngine(['--listen', address], HASTE);
  expect((await place.client.call('job.show', { job: patient.id })).targets[0]).toMatchObject({
    state: 'queued',
  });
  const back = place.agent('device', ['run']);
  const done = await place.finished(patient.id);
  expect(done.targets[0]).toMatchObject({ state: 'succeeded', stdout: 'late\n' });
  expect((await back.kill('SIGTERM')).code).toBe(0);
  expect((await place.client.call('job.show', { job: hasty.id })).state).toBe('expired');
});
