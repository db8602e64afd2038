/** What an agent does when it is told what a few clients of a service change: exactly that, of exactly what it has. */

import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptOf } from '../../../src/agent/bastion/amended.ts';
import { SealKey } from '../../../src/agent/bastion/seal-key.ts';
import { amendedDigest, digestText, serviceDigest } from '../../../src/crypto/service-digest.ts';
import type { BastionStateFrame, HostedChange, HostedClient } from '../../../src/protocol/bastion.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import { addressed, client, Device, drop, hold, ONE, SLOW, seal, server, service, TWO } from './device.ts';

const keysOf = (clients: readonly HostedClient[]) => clients.map(({ peer }) => peer.publicKey).sort();

let device: Device;
const whole = () => device.file(`${ONE}.service.sealed`);
const journal = () => device.file(`${ONE}.service.changes`);
/** But for where clients were. */
const kept = () => device.kept.filter((name) => name.includes('.service.'));

beforeEach(async () => {
  // That an old word leads nowhere is to be seen without a memory of what was heard, too.
  device = new Device({ forgets: true });
  await device.start();
});
afterEach(() => device.close());

interface Lists {
  readonly gone?: readonly HostedClient[];
  readonly come?: readonly HostedClient[];
}
const change = (from: number, base: readonly HostedClient[], lists: Lists, rest: object = {}) => {
  const { gone = [], come = [] } = lists;
  const digest = serviceDigest(service(base));
  return {
    action: 'amend',
    ...addressed(),
    from: { revision: from, digest: digestText(digest) },
    to: { revision: from + 1, digest: digestText(amendedDigest(digest, { gone, come })) },
    gone,
    come,
    ...rest,
  };
};
const amend = (...of: Parameters<typeof change>): string => seal(change(...of));
const state = (revision: number, clients: readonly HostedClient[]) => ({
  type: 'BASTION_STATE',
  service: ONE,
  revision,
  state: 'up',
  digest: digestText(serviceDigest(service(clients))),
});
const refused = (revision: number, clients: readonly HostedClient[]) => ({
  ...state(revision, clients),
  wants_whole: true,
});

const [ada, ben, cleo, dora] = [client(2), client(3), client(4), client(5)] as const;

test('one comes and one goes: nothing else is touched, and it is kept before it is answered', async () => {
  expect(await device.say(...hold(service([ada, ben]), 1))).toMatchObject(state(1, [ada, ben]));
  const first = readFileSync(whole());
  expect(await device.say(amend(1, [ada, ben], { come: [cleo] }))).toMatchObject(state(2, [ada, ben, cleo]));
  expect(await device.say(amend(2, [ada, ben, cleo], { gone: [ben] }))).toMatchObject(state(3, [ada, cleo]));
  expect([device.amendments, device.peers()]).toEqual([2, keysOf([ada, cleo])]);
  expect(kept()).toEqual([`${ONE}.service.changes`, `${ONE}.service.sealed`]);
  expect(statSync(journal()).mode & 0o777).toBe(0o600);
  // The whole is not written anew for each.
  expect(readFileSync(whole())).toEqual(first);
  const lines = readFileSync(journal(), 'utf8').split('\n').filter(Boolean);
  expect(lines).toHaveLength(2);
  // The whole that comes next is kept alone.
  expect(await device.say(...hold(service([dora]), 4))).toMatchObject(state(4, [dora]));
  expect(kept()).toEqual([`${ONE}.service.sealed`]);
  // And then the end of it.
  await device.say(amend(4, [dora], { come: [ada] }));
  await device.say(drop());
  expect(kept()).toEqual([]);
});

test('other rules of one who stays: the peer is left as it is', async () => {
  const open: HostedClient = { ...ben, open: ['10.8.0.3/32'], restricted: [] };
  await device.say(...hold(service([ada, ben]), 1));
  expect(await device.say(amend(1, [ada, ben], { gone: [ben], come: [open] }))).toMatchObject(
    state(2, [ada, open]),
  );
  expect([device.amendments, device.peers()]).toEqual([1, keysOf([ada, ben])]);
});

test('what is removed stays removed after a restart, in order or not, and after whatever the disk still has of before', async () => {
  await device.say(...hold(service([ada, ben]), 1));
  const before = readFileSync(whole());
  await device.say(amend(1, [ada, ben], { gone: [ben] }));
  await device.killed();
  await expect.poll(() => device.peers(), SLOW).toEqual(keysOf([ada]));
  // Killed in the middle of the next line, which nobody was told is in force.
  appendFileSync(
    journal(),
    `\n${await line(change(2, [ada], { come: [cleo] })).then((text) => text.slice(0, -20))}`,
  );
  await device.killed();
  device.hear(amend(2, [ada], { come: [dora] }));
  await device.tells(ONE, state(3, [ada, dora]));
  await device.restart();
  await expect.poll(() => device.peers(), SLOW).toEqual(keysOf([ada, dora]));
  // Killed after the whole was written, and before the changes that it has in it were away.
  device.hear(...hold(service([dora]), 4));
  await device.tells(ONE, state(4, [dora]));
  const past = [change(1, [ada, ben], { gone: [ben] }), change(2, [ada], { come: [dora] })];
  const lines = await Promise.all(past.map(line));
  writeFileSync(journal(), `${lines.join('\n')}\n`, { mode: 0o600 });
  await device.killed();
  await expect.poll(() => device.peers(), SLOW).toEqual(keysOf([dora]));
  // A change that is missing between two: nothing of it is taken up, rather than what was there before.
  device.hear(amend(4, [dora], { come: [ada] }));
  await device.tells(ONE, state(5, [ada, dora]));
  await device.bastion.close();
  writeFileSync(whole(), before, { mode: 0o600 });
  writeFileSync(journal(), `${await line(change(4, [dora], { come: [ada] }))}\n`, { mode: 0o600 });
  await device.start();
  await expect.poll(() => device.log.lines.some(({ level }) => level === 'error'), SLOW).toBe(true);
  expect(device.peers()).toEqual([]);
});

test('an agent that is killed while it writes has what was before a change or what is after it, wherever it was cut', async () => {
  const states = [[ada, ben], [ada, ben, cleo], [ada, cleo], [cleo]];
  const steps: Lists[] = [{ come: [cleo] }, { gone: [ben] }, { gone: [ada] }];
  const writer = device.keeper();
  await writer.put(keptOf(service(states[0]!), 1));
  for (const [at, lists] of steps.entries()) {
    const made = pick(change(at + 1, states[at]!, lists));
    await writer.amend(keptOf(service(states[at + 1]!), at + 2), made);
  }
  const all = readFileSync(journal());
  let before = 1;
  for (let cut = 0; cut < all.length + 3; cut += 3) {
    writeFileSync(journal(), all.subarray(0, cut), { mode: 0o600 });
    const [found] = await device.keeper().open();
    const revision = found?.revision ?? 0;
    // With each few bytes more, as much as before or one change more.
    expect([before, before + 1]).toContain(revision);
    expect(found?.digest).toBe(serviceDigest(service(states[revision - 1]!)));
    before = revision;
  }
  expect(before).toBe(states.length);
});

test('a journal without its service is of one that was forgotten, and goes', async () => {
  await device.say(...hold(service([ada]), 1));
  await device.bastion.close();
  writeFileSync(device.file(`${TWO}.service.changes`), '{}\n', { mode: 0o600 });
  await device.start();
  expect(kept()).toEqual([`${ONE}.service.sealed`]);
  await device.say(amend(1, [ada], { come: [ben] }));
  device.bastion.forbid();
  await expect.poll(kept, SLOW).toEqual([]);
});

test.each<[string, () => string]>([
  ['of a revision that is not the one here', () => amend(4, [ada, ben], { come: [cleo] })],
  ['of another content under the same revision', () => amend(3, [ada, cleo], { come: [dora] })],
  [
    'that leads elsewhere than it says',
    () => {
      const to = { revision: 4, digest: digestText(serviceDigest(service([ada]))) };
      return amend(3, [ada, ben], { come: [cleo] }, { to });
    },
  ],
  ['of one who is not there', () => amend(3, [ada, ben], { gone: [cleo] })],
  ['of one who is there already', () => amend(3, [ada, ben], { come: [ben] })],
  ['of one who has another key there', () => amend(3, [ada, ben], { gone: [{ ...ben, peer: cleo.peer }] })],
  ['of a service that is not here', () => amend(3, [ada, ben], { come: [cleo] }, { service: TWO })],
])('a change %s is refused, and the whole is asked for', async (_what, envelope) => {
  await device.say(...hold(service([ada, ben]), 3));
  const said = (await device.say(envelope())) as BastionStateFrame;
  if (said.service === ONE) expect(said).toMatchObject(refused(3, [ada, ben]));
  else expect(said).toMatchObject({ state: 'gone', revision: 0, wants_whole: true });
  expect([device.amendments, device.peers()]).toEqual([0, keysOf([ada, ben])]);
  expect(kept()).toEqual([`${ONE}.service.sealed`]);
  // Then it has what it is device.told.
  expect(await device.say(...hold(service([cleo]), 4))).toMatchObject(state(4, [cleo]));
  expect(device.log.lines.map((line) => JSON.stringify(line)).join()).not.toContain(server.privateKey);
});

test('what was told once leads nowhere later, though the same were there again', async () => {
  await device.say(...hold(service([ada]), 1));
  const come = amend(1, [ada], { come: [ben] });
  await device.say(come);
  await device.say(amend(2, [ada, ben], { gone: [ben] }));
  // An agent that does not know any more what it has seen.
  device.told.length = 0;
  await device.killed();
  await expect.poll(() => device.told.some(({ type }) => type === 'BASTION_STATE'), SLOW).toBe(true);
  device.told.length = 0;
  device.hear(come);
  expect(await device.say(amend(3, [ada], { come: [cleo] }))).toMatchObject(state(4, [ada, cleo]));
  expect(device.peers()).toEqual(keysOf([ada, cleo]));
});

test('what cannot be changed alone is changed with all the rest', async () => {
  await device.say(...hold(service([ada]), 1));
  device.amendFailure = new BorealisError('COMMAND_FAILED', { detail: 'no such set' });
  expect(await device.say(amend(1, [ada], { come: [ben] }))).toMatchObject(state(2, [ada, ben]));
  expect([device.amendments, device.peers()]).toEqual([0, keysOf([ada, ben])]);
});

test('what was changed alone is followed by a look at all of it', async () => {
  await device.say(...hold(service([ada, ben]), 1));
  await device.say(amend(1, [ada, ben], { come: [cleo] }));
  // Somebody else's hand, which a change of one does not see.
  device.machine.links.get('bvpn0')?.peers.delete(ada.peer.publicKey);
  await expect.poll(() => device.peers(), { timeout: 40_000 }).toEqual(keysOf([ada, ben, cleo]));
});

test('a service of many is kept, and taken up again: more than a file of secrets may have', async () => {
  const key = () => randomBytes(32).toString('base64');
  const many = Array.from({ length: 9_000 }, (_, index): HostedClient => {
    const { peer } = client(index, key());
    return { peer: { ...peer, presharedKey: key() }, open: [...peer.allowedIps], restricted: [] };
  });
  expect(await device.say(...hold(service(many)))).toMatchObject(state(1, many));
  expect(statSync(whole()).size).toBeGreaterThan(1024 * 1024);
  expect(await device.say(amend(1, many, { gone: many.slice(0, 1) }))).toMatchObject(state(2, many.slice(1)));
  await device.restart();
  await expect.poll(() => device.peers().length, SLOW).toBe(many.length - 1);
}, 60_000);

/** Of the journal. */
const line = async (of: ReturnType<typeof change>): Promise<string> => {
  const box = await new SealKey(device.keyFile).existing();
  return box.seal(`change of vpn service ${ONE}`, Buffer.from(JSON.stringify(pick(of)))).toString('base64');
};

/** What the journal has of it. */
const pick = ({ from, to, gone, come }: ReturnType<typeof change>): HostedChange => ({
  from,
  to,
  gone: [...gone],
  come: [...come],
});
