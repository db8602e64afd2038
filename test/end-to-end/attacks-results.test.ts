/** Results that are not the sender's to give: of another device, in another's name, signed with another key. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generateEd25519 } from '../../src/crypto/ed25519.ts';
import type { InputOf } from '../../src/protocol/operations.ts';
import { RawAgent } from '../daemon/raw-agent.ts';
import { Place } from '../lab/processes.ts';
import { RawChannel } from '../lab/raw-channel.ts';

let place: Place;
let honest: RawChannel;
let forger: RawChannel;
beforeEach(async () => {
  place = new Place();
  await place.startEngine();
  honest = await RawChannel.welcomed(await enrolled('honest'));
  forger = await RawChannel.welcomed(await enrolled('forger'));
});
afterEach(() => place.dispose());

const enrolled = async (hostname: string): Promise<RawAgent> => {
  const made = new RawAgent((await place.code({ auto_approve: true })).link, { hostname });
  await made.enrol();
  return made;
};

const ID: InputOf<'job.create'>['work'] = { kind: 'command', argv: ['id'] };

test('another device’s result counts for nothing, however it is signed, and is told to operators', async () => {
  const { id } = await place.client.call('job.create', { devices: ['honest'], work: ID });
  const { corr_id: corrId } = honest.open((await honest.next('COMMAND')).envelope);
  const { guid } = honest.agent.enrolled!;
  const lie = { stdout: 'uid=0(mallory)\n' };
  const forgeries = [
    // Its own name and key, about the other's command.
    [forger, forger.result(corrId, lie), 'NOT_ADDRESSED'],
    // The other's name, its own key.
    [forger, forger.result(corrId, { ...lie, guid }), 'NOT_ADDRESSED'],
    // The other's name and a result that the other really signed, through the wrong channel.
    [forger, honest.result(corrId, lie), 'INVALID_SIGNATURE'],
    // A key that nobody has.
    [forger, forger.result(corrId, lie, generateEd25519()), 'INVALID_SIGNATURE'],
    // In the frame of a command of its own that never was.
    [forger, { ...forger.result(corrId, lie), corr_id: 'x'.repeat(24) }, 'NOT_ADDRESSED'],
    // The device itself, with a key that is not its own any more.
    [honest, honest.result(corrId, lie, generateEd25519()), 'INVALID_SIGNATURE'],
  ] as const;
  for (const [channel, frame] of forgeries) {
    channel.send(frame);
    expect(await channel.settled()).toBe(true);
  }
  const job = await place.client.call('job.show', { job: id });
  expect(job.targets[0]).toMatchObject({ state: 'queued', stdout: '' });
  for (const [who, code] of new Map(
    forgeries.map(([channel, , code]) => [`${channel.agent.machine.hostname} ${code}`, code]),
  )) {
    const [name] = who.split(' ');
    await place.event('security.alert', (event) => event.device === name && event.data.code === code);
  }
  const { signature_failures } = await place.client.call('status.show', {});
  expect(signature_failures).toBeGreaterThanOrEqual(3);

  honest.send({ type: 'ACCEPTED', corr_id: corrId });
  honest.send(honest.result(corrId, { stdout: 'uid=0(root)\n' }));
  await honest.next('RESULT_ACK');
  // What is told once stays told.
  honest.send(honest.result(corrId, { ...lie, state: 'failed', exit_code: 1 }));
  await honest.next('RESULT_ACK');
  expect((await place.finished(id)).targets[0]).toMatchObject({
    state: 'succeeded',
    stdout: 'uid=0(root)\n',
  });
});

test('output of another device’s command is shown to nobody', async () => {
  const { id } = await place.client.call('job.create', { devices: ['honest'], work: ID });
  const { corr_id: corrId } = honest.open((await honest.next('COMMAND')).envelope);
  const output = (data: string) => ({ type: 'OUTPUT', corr_id: corrId, seq: 0, stream: 'stdout', data });
  forger.send(output('forged\n'));
  expect(await forger.settled()).toBe(true);
  honest.send({ type: 'ACCEPTED', corr_id: corrId });
  honest.send(output('honest\n'));
  honest.send(honest.result(corrId, { stdout: 'honest\n' }));
  await honest.next('RESULT_ACK');
  const shown: string[] = [];
  for await (const message of place.client.stream('job.watch', { job: id })) {
    if (message.type === 'output') shown.push(message.data);
    if (message.type === 'target') shown.push(message.target.stdout);
  }
  expect(shown.join('')).not.toContain('forged');
});
