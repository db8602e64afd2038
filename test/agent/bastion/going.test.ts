/** Services that go from a device: whatever happens meanwhile, nothing of them is left that serves anybody. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AgentBastion } from '../../../src/agent/bastion/bastion.ts';
import { KeptServices } from '../../../src/agent/bastion/kept.ts';
import { SeenTokens } from '../../../src/agent/port/seen-tokens.ts';
import { SeenLog } from '../../../src/agent/seen-log.ts';
import { generateEd25519, nodeEd25519 } from '../../../src/crypto/ed25519.ts';
import { sealEnvelope } from '../../../src/crypto/envelope.ts';
import { BASTION_PART_MAX, BASTION_TYPE, type HostedService } from '../../../src/protocol/bastion.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import { type FromAgent, fromAgent } from '../../../src/protocol/frame.ts';
import { systemClock } from '../../../src/sys/clock.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import { createNetwork } from '../../../src/wg/network.ts';
import { Simulation } from '../../wg/simulation.ts';
import { keptLog, temporary } from '../parts.ts';

const KEY_ID = 'k'.repeat(43);
const GUID = '5b7d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11';
const [ONE, TWO] = ['abcdefghijkl', 'mnopqrstuvwx'] as const;
/** Of a machine that is slow. */
const LONG = { timeout: 20_000 };

const engineKeys = generateEd25519();
const server = generateKeyPair();
let folder: ReturnType<typeof temporary>;
let machine: Simulation;
let log: ReturnType<typeof keptLog>;
let told: FromAgent[];
let agents: AgentBastion[];
/** What becomes of an interface that is to go. */
let letGo: () => Promise<void>;
let forwarding: () => Promise<void>;
let released: number;
/** Milliseconds by which the machine's clock is ahead of ours. */
let ahead: number;
const clock = { now: () => systemClock.now() + ahead, monotonic: () => systemClock.monotonic() };
const directory = () => join(folder.directory, 'bastion');
const kept = () => (existsSync(directory()) ? readdirSync(directory()) : []);

const start = async (): Promise<AgentBastion> => {
  const bastion = new AgentBastion({
    trust: {
      guid: GUID,
      context: 'system',
      signingKey: engineKeys.publicKey,
      signingKeyId: KEY_ID,
      ed: nodeEd25519,
    },
    kept: new KeptServices(directory(), log),
    seen: new SeenTokens(new SeenLog(join(folder.directory, `seen-${agents.length}.log`))),
    uplink: { send: (frame) => told.push(frame) > 0, buffered: 0 },
    partsFor: (_name, { told: changed }) => {
      const network = createNetwork(machine.system);
      return {
        network: {
          ...network,
          guarded: () => Promise.resolve(true),
          // The simulation knows no gateway's firewall: real nft is in test/wg.
          apply: ({ interfaces }) => network.apply({ interfaces }),
          teardown: (of) => letGo().then(() => network.teardown({ ...of, firewall: false })),
        },
        leniency: { demand: () => Promise.resolve() },
        forwarding: { demand: () => forwarding(), release: () => Promise.resolve() },
        told: changed,
        clock,
        log,
        clearHa: () => Promise.resolve(),
        openHa: () => Promise.reject(new BorealisError('HA_NO_INTERFACE')),
      };
    },
    release: async () => {
      released += 1;
    },
    clock: systemClock,
    log,
  });
  agents.push(bastion);
  await bastion.start();
  return bastion;
};

beforeEach(() => {
  folder = temporary();
  machine = new Simulation({ module: true });
  log = keptLog();
  told = [];
  agents = [];
  letGo = () => Promise.resolve();
  forwarding = () => Promise.resolve();
  released = 0;
  ahead = 0;
});
afterEach(async () => {
  vi.useRealTimers();
  letGo = () => Promise.resolve();
  await agents.at(-1)?.close();
  await folder.remove();
});

const service = (id: string, name: string, clients: readonly string[]): HostedService => ({
  id,
  name: `vpn-${name}`,
  network: {
    interfaces: [
      {
        name,
        privateKey: server.privateKey,
        listenPort: 51_820 + Number(name.slice(-1)),
        mtu: 1_420,
        addresses: ['10.0.0.1/8'],
        routes: [],
        peers: clients.map((publicKey, at) => ({
          publicKey,
          presharedKey: publicKey,
          persistentKeepalive: 0,
          allowedIps: [`10.${(at + 2) >> 16}.${((at + 2) >> 8) & 255}.${(at + 2) & 255}/32`],
        })),
      },
    ],
    firewall: { name, open: clients.map((_, at) => `10.0.${at >> 8}.${at & 255}/32`) },
  },
  families: [4],
  ha: null,
});
const seal = (claims: object): string => {
  const now = Math.floor(Date.now() / 1_000);
  const whole = {
    nonce: randomBytes(32).toString('base64url'),
    iat: now,
    exp: now + 60,
    agent_targets: [`${GUID}/system`],
    ...claims,
  };
  return sealEnvelope(whole, { seed: engineKeys.seed, kid: KEY_ID, typ: BASTION_TYPE }, nodeEd25519);
};
const hold = (of: HostedService, revision = 1): string[] => {
  const body = gzipSync(JSON.stringify(of)).toString('base64url');
  const parts = Math.ceil(body.length / BASTION_PART_MAX);
  return Array.from({ length: parts }, (_, part) => {
    const piece = body.slice(part * BASTION_PART_MAX, (part + 1) * BASTION_PART_MAX);
    return seal({ action: 'hold', service: of.id, revision, part, parts, body: piece });
  });
};
const drop = (id: string): string[] => [seal({ action: 'drop', service: id })];
const hear = (bastion: AgentBastion, envelopes: readonly string[]): void => {
  for (const envelope of envelopes) bastion.heard({ type: 'BASTION', envelope });
};
const state = (id: string, wanted: object) =>
  expect
    .poll(() => told.filter((frame) => frame.type === 'BASTION_STATE' && frame.service === id).at(-1), LONG)
    .toMatchObject(wanted);
const links = () => [...machine.links.keys()].sort();
const client = () => generateKeyPair().publicKey;

/** Both of them on the device. */
const hostBoth = async (): Promise<AgentBastion> => {
  const bastion = await start();
  hear(bastion, hold(service(ONE, 'bvpn0', [client()])));
  hear(bastion, hold(service(TWO, 'bvpn1', [client()])));
  await state(TWO, { state: 'up' });
  return bastion;
};

describe('a device that may host nothing any more', () => {
  test('has nothing of it, though it hears so while it is still taking up what it kept', async () => {
    await (await hostBoth()).close();
    const bastion = await start();
    bastion.forbid();
    await expect.poll(kept, LONG).toEqual([]);
    expect(links()).toEqual([]);
    bastion.online();
    expect(told.at(-1)).toMatchObject({ state: 'gone' });
  });

  test('nor where it hears so before a word that came first was followed', async () => {
    const bastion = await start();
    hear(bastion, hold(service(ONE, 'bvpn0', [client()])));
    bastion.forbid();
    await state(ONE, { state: 'gone' });
    await expect.poll(kept, LONG).toEqual([]);
    expect(links()).toEqual([]);
  });
});

describe('a service that goes', () => {
  test('goes with the next agent, where this one is killed in the middle of it', async () => {
    const bastion = await hostBoth();
    letGo = () => new Promise(() => undefined);
    hear(bastion, drop(ONE));
    await expect.poll(() => kept().includes(`${ONE}.service.json`), LONG).toBe(false);
    const left = kept().map((name) => readFileSync(join(directory(), name), 'utf8'));
    expect(left.filter((text) => text.includes(server.privateKey))).toHaveLength(1);
    letGo = () => Promise.resolve();
    await start();
    await expect.poll(links, LONG).toEqual(['bvpn1']);
    await expect.poll(kept, LONG).toEqual([`${TWO}.service.json`]);
  });

  test('whose interface would not go is tried again, without another word', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const bastion = await hostBoth();
    letGo = () => Promise.reject(new BorealisError('COMMAND_FAILED'));
    hear(bastion, drop(ONE));
    await expect.poll(() => log.lines.some(({ level }) => level === 'warn'), LONG).toBe(true);
    expect(links()).toEqual(['bvpn0', 'bvpn1']);
    letGo = () => Promise.resolve();
    vi.advanceTimersByTime(5_000);
    await expect.poll(links, LONG).toEqual(['bvpn1']);
    await state(ONE, { state: 'gone' });
  });

  test('is taken away though it could not be taken up after a restart', async () => {
    const killed = await hostBoth();
    forwarding = () => Promise.reject(new BorealisError('FORWARDING_OFF'));
    const before = released;
    const bastion = await start();
    await state(TWO, { state: 'failed' });
    hear(bastion, drop(ONE));
    hear(bastion, drop(TWO));
    await state(TWO, { state: 'gone' });
    expect(links()).toEqual([]);
    expect(released).toBeGreaterThan(before);
    expect(killed).toBeDefined();
  });

  test('and was the last one leaves no packets passed on, where the agent was killed just then', async () => {
    await start();
    await expect.poll(() => released, LONG).toBe(1);
  });
});

describe('a connection that is shut out', () => {
  test('is out where packets cannot be passed on any more', async () => {
    const [ada, bob] = [client(), client()];
    const bastion = await start();
    hear(bastion, hold(service(ONE, 'bvpn0', [ada, bob])));
    await state(ONE, { state: 'up', revision: 1 });
    forwarding = () => Promise.reject(new BorealisError('FORWARDING_OFF'));
    hear(bastion, hold(service(ONE, 'bvpn0', [bob]), 2));
    await state(ONE, { state: 'failed', error_code: 'FORWARDING_OFF' });
    expect([...machine.links.get('bvpn0')!.peers.keys()]).toEqual([bob]);
  });
});

describe('a connection that expires', () => {
  const expiring = (clients: readonly string[], expiresAt: number): HostedService => {
    const of = service(ONE, 'bvpn0', clients);
    const [one, ...more] = of.network.interfaces;
    const peers = (one as unknown as { peers: object[] }).peers.map((peer, at) =>
      at === 0 ? { ...peer, expiresAt } : peer,
    );
    return { ...of, network: { ...of.network, interfaces: [{ ...one!, peers }, ...more] } };
  };
  const there = () => [...(machine.links.get('bvpn0')?.peers.keys() ?? [])];

  test('is out at once though no engine says so, and stays out after a restart', async () => {
    const [guest, bob] = [client(), client()];
    const bastion = await start();
    hear(bastion, hold(expiring([guest, bob], Date.now() + 3_600_000)));
    await state(ONE, { state: 'up' });
    expect(there()).toEqual([guest, bob]);
    ahead = 3_601_000;
    await expect.poll(there, LONG).toEqual([bob]);
    await bastion.close();
    told.length = 0;
    await start();
    await state(ONE, { state: 'up' });
    expect(there()).toEqual([bob]);
  });

  test('is in again when it is given more time', async () => {
    const guest = client();
    const bastion = await start();
    hear(bastion, hold(expiring([guest], Date.now() - 1_000)));
    await state(ONE, { state: 'up' });
    expect(there()).toEqual([]);
    hear(bastion, hold(expiring([guest], Date.now() + 3_600_000), 2));
    await state(ONE, { state: 'up', revision: 2 });
    expect(there()).toEqual([guest]);
  });
});

describe('a client that comes from an address of its link alone', () => {
  test.each(['[fe80::5%eth0]:51820', '[fe80::5%2]:51820'])(
    'at %s costs the device nothing',
    async (endpoint) => {
      const [ada, bob] = [client(), client()];
      const bastion = await start();
      hear(bastion, hold(service(ONE, 'bvpn0', [ada, bob])));
      await state(ONE, { state: 'up' });
      const peers = machine.links.get('bvpn0')!.peers;
      peers.get(ada)!.endpoint = endpoint;
      peers.get(bob)!.endpoint = '[2001:db8::5]:51820';
      told.length = 0;
      bastion.online();
      const said = () => told.find(({ type }) => type === 'BASTION_PEERS');
      await expect.poll(said, LONG).toBeDefined();
      // The engine ends the channel of whoever says what is no frame.
      expect(() => fromAgent.parse(said())).not.toThrow();
      expect(said()).toMatchObject({
        peers: [
          { public_key: ada, endpoint: null },
          { public_key: bob, endpoint: '[2001:db8::5]:51820' },
        ],
      });
    },
  );
});
