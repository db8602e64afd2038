/** Services that go from a device: whatever happens meanwhile, nothing of them is left that serves anybody. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { HostedClient } from '../../../src/protocol/bastion.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import { fromAgent } from '../../../src/protocol/frame.ts';
import { client, Device, drop, hold, ONE, SLOW, server, service, TWO } from './device.ts';

let device: Device;
beforeEach(() => {
  device = new Device();
});
afterEach(async () => {
  vi.useRealTimers();
  await device.close();
});

const keyOf = ({ peer }: HostedClient) => peer.publicKey;
const [one, two] = [service([client(2)]), service([client(2)], { id: TWO }, 'bvpn1')];

/** Both of them on the device. */
const hostBoth = async (): Promise<void> => {
  await device.start();
  device.hear(...hold(one), ...hold(two));
  await device.tells(TWO, { state: 'up' });
};

describe('a device that may host nothing any more', () => {
  test('has nothing of it, though it hears so while it is still taking up what it kept', async () => {
    await hostBoth();
    const bastion = await device.restart();
    bastion.forbid();
    await expect.poll(() => device.kept, SLOW).toEqual([]);
    expect(device.links).toEqual([]);
    bastion.online();
    expect(device.told.at(-1)).toMatchObject({ state: 'gone' });
  });

  test('nor where it hears so before a word that came first was followed', async () => {
    const bastion = await device.start();
    device.hear(...hold(one));
    bastion.forbid();
    await device.tells(ONE, { state: 'gone' });
    await expect.poll(() => device.kept, SLOW).toEqual([]);
    expect(device.links).toEqual([]);
  });
});

describe('a service that goes', () => {
  test('goes with the next agent, where this one is killed in the middle of it', async () => {
    await hostBoth();
    device.letGo = () => new Promise(() => undefined);
    device.hear(drop(ONE));
    await expect.poll(() => device.kept.includes(`${ONE}.service.sealed`), SLOW).toBe(false);
    // Of its keys nothing is left, not even sealed.
    expect(device.kept.filter((name) => name.startsWith(`${ONE}.service`))).toEqual([]);
    expect(readFileSync(device.file(`${ONE}.leaving.json`), 'utf8')).not.toContain(server.privateKey);
    device.letGo = () => Promise.resolve();
    await device.killed();
    await expect.poll(() => device.links, SLOW).toEqual(['bvpn1']);
    await expect.poll(() => device.kept, SLOW).toEqual([`${TWO}.service.sealed`]);
  });

  test('whose interface would not go is tried again, without another word', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await hostBoth();
    device.letGo = () => Promise.reject(new BorealisError('COMMAND_FAILED'));
    device.hear(drop(ONE));
    await expect.poll(() => device.log.lines.some(({ level }) => level === 'warn'), SLOW).toBe(true);
    expect(device.links).toEqual(['bvpn0', 'bvpn1']);
    device.letGo = () => Promise.resolve();
    vi.advanceTimersByTime(5_000);
    await expect.poll(() => device.links, SLOW).toEqual(['bvpn1']);
    await device.tells(ONE, { state: 'gone' });
  });

  test('is taken away though it could not be taken up after a restart', async () => {
    await hostBoth();
    device.forwarding = () => Promise.reject(new BorealisError('FORWARDING_OFF'));
    const before = device.released;
    await device.killed();
    await device.tells(TWO, { state: 'failed' });
    device.hear(drop(ONE));
    device.hear(drop(TWO));
    await device.tells(TWO, { state: 'gone' });
    expect(device.links).toEqual([]);
    expect(device.released).toBeGreaterThan(before);
  });

  test('and was the last one leaves no packets passed on, where the agent was killed just then', async () => {
    await device.start();
    await expect.poll(() => device.released, SLOW).toBe(1);
  });
});

describe('a connection that is shut out', () => {
  test('is out where packets cannot be passed on any more', async () => {
    const [ada, bob] = [client(2), client(3)];
    await device.start();
    device.hear(...hold(service([ada, bob])));
    await device.tells(ONE, { state: 'up', revision: 1 });
    device.forwarding = () => Promise.reject(new BorealisError('FORWARDING_OFF'));
    device.hear(...hold(service([bob]), 2));
    await device.tells(ONE, { state: 'failed', error_code: 'FORWARDING_OFF' });
    expect(device.peers()).toEqual([keyOf(bob)]);
  });
});

describe('a connection that expires', () => {
  const expiring = (who: HostedClient, expiresAt: number): HostedClient => ({
    ...who,
    peer: { ...who.peer, expiresAt },
  });

  test('is out at once though no engine says so, and stays out after a restart', async () => {
    const [guest, bob] = [client(2), client(3)];
    await device.start();
    device.hear(...hold(service([expiring(guest, Date.now() + 3_600_000), bob])));
    await device.tells(ONE, { state: 'up' });
    expect(device.peers()).toEqual([guest, bob].map(keyOf).sort());
    device.ahead = 3_601_000;
    await expect.poll(() => device.peers(), SLOW).toEqual([keyOf(bob)]);
    await device.bastion.close();
    device.told.length = 0;
    await device.start();
    await device.tells(ONE, { state: 'up' });
    expect(device.peers()).toEqual([keyOf(bob)]);
  });

  test('is out within a quarter of a second', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const [guest, bob] = [client(2), client(3)];
    await device.start();
    device.hear(...hold(service([expiring(guest, Date.now() + 3_600_000), bob])));
    await device.tells(ONE, { state: 'up' });
    device.ahead = 3_601_000;
    vi.advanceTimersByTime(250);
    await expect.poll(() => device.peers(), SLOW).toEqual([keyOf(bob)]);
  });

  test('is in again when it is given more time', async () => {
    const guest = client(2);
    await device.start();
    device.hear(...hold(service([expiring(guest, Date.now() - 1_000)])));
    await device.tells(ONE, { state: 'up' });
    expect(device.peers()).toEqual([]);
    device.hear(...hold(service([expiring(guest, Date.now() + 3_600_000)]), 2));
    await device.tells(ONE, { state: 'up', revision: 2 });
    expect(device.peers()).toEqual([keyOf(guest)]);
  });
});

describe('a client that comes from an address of its link alone', () => {
  test.each(['[fe80::5%eth0]:51820', '[fe80::5%2]:51820'])(
    'at %s costs the device nothing',
    async (endpoint) => {
      const [ada, bob] = [client(2), client(3)];
      const bastion = await device.start();
      device.hear(...hold(service([ada, bob])));
      await device.tells(ONE, { state: 'up' });
      const peers = device.machine.links.get('bvpn0')!.peers;
      peers.get(keyOf(ada))!.endpoint = endpoint;
      peers.get(keyOf(bob))!.endpoint = '[2001:db8::5]:51820';
      device.told.length = 0;
      bastion.online();
      const said = () => device.told.find(({ type }) => type === 'BASTION_PEERS');
      await expect.poll(said, SLOW).toBeDefined();
      // The engine ends the channel of whoever says what is no frame.
      expect(() => fromAgent.parse(said())).not.toThrow();
      expect(said()).toMatchObject({
        peers: [
          { public_key: keyOf(ada), endpoint: null },
          { public_key: keyOf(bob), endpoint: '[2001:db8::5]:51820' },
        ],
      });
    },
  );
});
