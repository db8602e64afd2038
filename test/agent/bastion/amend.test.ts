/** What an agent does when it is told what a few clients of a service change: exactly that, of exactly what it has. */
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptOf } from '../../../src/agent/bastion/amended.ts';
import { AgentBastion } from '../../../src/agent/bastion/bastion.ts';
import { KeptServices } from '../../../src/agent/bastion/kept.ts';
import { SeenTokens } from '../../../src/agent/port/seen-tokens.ts';
import { SeenLog } from '../../../src/agent/seen-log.ts';
import { generateEd25519, nodeEd25519 } from '../../../src/crypto/ed25519.ts';
import { sealEnvelope } from '../../../src/crypto/envelope.ts';
import { amendedDigest, digestText, serviceDigest } from '../../../src/crypto/service-digest.ts';
import {
  BASTION_PART_MAX,
  BASTION_TYPE,
  type BastionStateFrame,
  type HostedChange,
  type HostedClient,
  type HostedService,
} from '../../../src/protocol/bastion.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import type { FromAgent } from '../../../src/protocol/frame.ts';
import { systemClock } from '../../../src/sys/clock.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import { createNetwork } from '../../../src/wg/network.ts';
import { Simulation } from '../../wg/simulation.ts';
import { keptLog, temporary } from '../parts.ts';

const KEY_ID = 'k'.repeat(43);
const GUID = '5b7d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11';
const ID = 'abcdefghijkl';
const NAME = 'bvpn0';
const SLOW = { timeout: 20_000 };

const engineKeys = generateEd25519();
const server = generateKeyPair();
const client = (number: number): HostedClient => ({
  peer: {
    publicKey: generateKeyPair().publicKey,
    presharedKey: null,
    persistentKeepalive: 0,
    allowedIps: [`10.8.0.${number}/32`],
  },
  open: number % 2 === 0 ? [`10.8.0.${number}/32`] : [],
  restricted:
    number % 2 === 0
      ? []
      : [
          {
            sources: [`10.8.0.${number}/32`],
            targets: [{ network: '192.168.5.0/24', protocol: null, ports: null }],
          },
        ],
});
const service = (clients: readonly HostedClient[]): HostedService => ({
  id: ID,
  name: 'office',
  network: {
    interfaces: [
      {
        name: NAME,
        privateKey: server.privateKey,
        listenPort: 51_820,
        mtu: 1_420,
        addresses: ['10.8.0.1/24'],
        routes: [],
        peers: clients.map(({ peer }) => peer),
      },
    ],
    firewall: {
      name: NAME,
      addresses: ['10.8.0.1'],
      pools: ['10.8.0.0/24'],
      local: ['192.168.5.0/24'],
      sites: [],
      open: clients.flatMap(({ open }) => open),
      restricted: clients.flatMap(({ restricted }) => restricted),
      masquerade: true,
      mtu: 1_420,
    },
  },
  families: [4],
  ha: null,
});
const keysOf = (clients: readonly HostedClient[]) => clients.map(({ peer }) => peer.publicKey).sort();

let folder: ReturnType<typeof temporary>;
let machine: Simulation;
let log: ReturnType<typeof keptLog>;
let told: FromAgent[];
let bastion: AgentBastion;
/** How often something was changed alone, and what the next such change fails with. */
let amendments: number;
let failure: Error | undefined;
/** Of the agent that runs. */
let life: { isDead: boolean };
const directory = () => join(folder.directory, 'bastion');
/** But for where clients were. */
const kept = () =>
  existsSync(directory())
    ? readdirSync(directory())
        .filter((name) => name.includes('.service.'))
        .sort()
    : [];
const whole = () => join(directory(), `${ID}.service.json`);
const journal = () => join(directory(), `${ID}.service.journal`);
const peers = () => [...(machine.links.get(NAME)?.peers.keys() ?? [])].sort();

const start = async (): Promise<void> => {
  const network = createNetwork(machine.system);
  const own = { isDead: false };
  life = own;
  bastion = new AgentBastion({
    trust: {
      guid: GUID,
      context: 'system',
      signingKey: engineKeys.publicKey,
      signingKeyId: KEY_ID,
      ed: nodeEd25519,
    },
    kept: new KeptServices(directory(), log),
    // Forgets what it has seen with each start: that an old word leads nowhere is to be seen without it too.
    seen: new SeenTokens(new SeenLog(join(folder.directory, `${randomBytes(4).toString('hex')}.log`))),
    uplink: { send: (frame) => told.push(frame) > 0, buffered: 0 },
    partsFor: (_name, { told: changed }) => ({
      network: {
        ...network,
        guarded: () => Promise.resolve(true),
        // The simulation knows no gateway's firewall: real nft is in test/wg.
        apply: async ({ interfaces }) => (own.isDead ? undefined : network.apply({ interfaces })),
        teardown: async (of) => (own.isDead ? undefined : network.teardown(of)),
        amend: async ({ name, gone, come }) => {
          if (failure) throw failure;
          const bare = (all: typeof gone) => all.map(({ peer }) => ({ peer, open: [], restricted: [] }));
          amendments += 1;
          return network.amend({ name, gone: bare(gone), come: bare(come) });
        },
      },
      leniency: { demand: () => Promise.resolve() },
      forwarding: { demand: () => Promise.resolve(), release: () => Promise.resolve() },
      told: changed,
      clock: systemClock,
      log,
      clearHa: () => Promise.resolve(),
      openHa: () => Promise.reject(new BorealisError('HA_NO_INTERFACE')),
    }),
    release: () => Promise.resolve(),
    clock: systemClock,
    log,
  });
  await bastion.start();
};
/** As with kill -9: nothing is taken down, and the next one finds what is there. */
const killed = async (): Promise<void> => {
  life.isDead = true;
  await bastion.close();
  await start();
};

beforeEach(async () => {
  folder = temporary();
  machine = new Simulation({ module: true });
  log = keptLog();
  told = [];
  amendments = 0;
  failure = undefined;
  await start();
});
afterEach(async () => {
  await bastion.close();
  await folder.remove();
});

const addressed = () => {
  const now = Math.floor(Date.now() / 1_000);
  const nonce = randomBytes(32).toString('base64url');
  return { service: ID, nonce, iat: now, exp: now + 60, agent_targets: [`${GUID}/system`] };
};
const seal = (claims: object): string =>
  sealEnvelope(claims, { seed: engineKeys.seed, kid: KEY_ID, typ: BASTION_TYPE }, nodeEd25519);
const holds = (revision: number, clients: readonly HostedClient[]): string[] => {
  const body = gzipSync(JSON.stringify(service(clients))).toString('base64url');
  const parts = Math.ceil(body.length / BASTION_PART_MAX);
  return Array.from({ length: parts }, (_, part) => {
    const piece = body.slice(part * BASTION_PART_MAX, (part + 1) * BASTION_PART_MAX);
    return seal({ action: 'hold', ...addressed(), revision, part, parts, body: piece });
  });
};
const hold = (revision: number, clients: readonly HostedClient[]): string => holds(revision, clients)[0]!;
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
/** Resolves with what the agent says of it. */
const say = async (envelope: string): Promise<FromAgent> => {
  const before = told.length;
  bastion.heard({ type: 'BASTION', envelope });
  const said = () => told.slice(before).findLast(({ type }) => type !== 'BASTION_PEERS');
  await expect.poll(said, SLOW).toBeDefined();
  return said()!;
};
const state = (revision: number, clients: readonly HostedClient[]) => ({
  type: 'BASTION_STATE',
  service: ID,
  revision,
  state: 'up',
  digest: digestText(serviceDigest(service(clients))),
});
const refused = (revision: number, clients: readonly HostedClient[]) => ({
  ...state(revision, clients),
  wants_whole: true,
});

const [ada, ben, cleo, dora] = [2, 3, 4, 5].map(client) as [
  HostedClient,
  HostedClient,
  HostedClient,
  HostedClient,
];

test('one comes and one goes: nothing else is touched, and it is kept before it is answered', async () => {
  expect(await say(hold(1, [ada, ben]))).toMatchObject(state(1, [ada, ben]));
  expect(await say(amend(1, [ada, ben], { come: [cleo] }))).toMatchObject(state(2, [ada, ben, cleo]));
  expect(await say(amend(2, [ada, ben, cleo], { gone: [ben] }))).toMatchObject(state(3, [ada, cleo]));
  expect([amendments, peers()]).toEqual([2, keysOf([ada, cleo])]);
  expect(kept()).toEqual([`${ID}.service.journal`, `${ID}.service.json`]);
  expect(statSync(journal()).mode & 0o777).toBe(0o600);
  // The whole is not written anew for each.
  expect(readFileSync(whole(), 'utf8')).toContain('"revision":1');
  const lines = readFileSync(journal(), 'utf8').split('\n').filter(Boolean);
  expect(lines).toHaveLength(2);
  // The whole that comes next is kept alone.
  expect(await say(hold(4, [dora]))).toMatchObject(state(4, [dora]));
  expect(kept()).toEqual([`${ID}.service.json`]);
  // And then the end of it.
  await say(amend(4, [dora], { come: [ada] }));
  await say(seal({ action: 'drop', ...addressed() }));
  expect(kept()).toEqual([]);
});

test('other rules of one who stays: the peer is left as it is', async () => {
  const open: HostedClient = { ...ben, open: ['10.8.0.3/32'], restricted: [] };
  await say(hold(1, [ada, ben]));
  expect(await say(amend(1, [ada, ben], { gone: [ben], come: [open] }))).toMatchObject(state(2, [ada, open]));
  expect([amendments, peers()]).toEqual([1, keysOf([ada, ben])]);
});

test('what is removed stays removed after a restart, in order or not, and after whatever the disk still has of before', async () => {
  await say(hold(1, [ada, ben]));
  const before = readFileSync(whole());
  await say(amend(1, [ada, ben], { gone: [ben] }));
  await killed();
  await expect.poll(peers, SLOW).toEqual(keysOf([ada]));
  // Killed in the middle of the next line, which nobody was told is in force.
  appendFileSync(journal(), `\n${JSON.stringify(change(2, [ada], { come: [cleo] })).slice(0, -20)}`);
  await killed();
  expect(await say(amend(2, [ada], { come: [dora] }))).toMatchObject(state(3, [ada, dora]));
  await bastion.close();
  await start();
  await expect.poll(peers, SLOW).toEqual(keysOf([ada, dora]));
  // Killed after the whole was written, and before the changes that it has in it were away.
  await say(hold(4, [dora]));
  const past = [change(1, [ada, ben], { gone: [ben] }), change(2, [ada], { come: [dora] })];
  writeFileSync(journal(), past.map((one) => `${JSON.stringify(pick(one))}\n`).join(''), { mode: 0o600 });
  await killed();
  await expect.poll(peers, SLOW).toEqual(keysOf([dora]));
  // A change that is missing between two: nothing of it is taken up, rather than what was there before.
  await say(amend(4, [dora], { come: [ada] }));
  await bastion.close();
  writeFileSync(whole(), before, { mode: 0o600 });
  writeFileSync(journal(), `${JSON.stringify(pick(change(4, [dora], { come: [ada] })))}\n`, { mode: 0o600 });
  await start();
  await expect.poll(() => log.lines.some(({ level }) => level === 'error'), SLOW).toBe(true);
  expect(peers()).toEqual([]);
});

test('an agent that is killed while it writes has what was before a change or what is after it, wherever it was cut', async () => {
  const states = [[ada, ben], [ada, ben, cleo], [ada, cleo], [cleo]];
  const steps: Lists[] = [{ come: [cleo] }, { gone: [ben] }, { gone: [ada] }];
  const writer = new KeptServices(directory(), log);
  await writer.put(keptOf(service(states[0]!), 1));
  for (const [at, lists] of steps.entries()) {
    const made = pick(change(at + 1, states[at]!, lists));
    await writer.amend(keptOf(service(states[at + 1]!), at + 2), made);
  }
  const all = readFileSync(journal());
  let before = 1;
  for (let cut = 0; cut <= all.length; cut += 1) {
    writeFileSync(journal(), all.subarray(0, cut), { mode: 0o600 });
    const [found] = await new KeptServices(directory(), log).open();
    const revision = found?.revision ?? 0;
    // With each byte more, as much as before or one change more.
    expect([before, before + 1]).toContain(revision);
    expect(found?.digest).toBe(serviceDigest(service(states[revision - 1]!)));
    before = revision;
  }
  expect(before).toBe(states.length);
});

test('a journal without its service is of one that was forgotten, and goes', async () => {
  await say(hold(1, [ada]));
  await bastion.close();
  writeFileSync(join(directory(), 'mnopqrstuvwx.service.journal'), '{}\n', { mode: 0o600 });
  await start();
  expect(kept()).toEqual([`${ID}.service.json`]);
  await say(amend(1, [ada], { come: [ben] }));
  bastion.forbid();
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
  [
    'of a service that is not here',
    () => amend(3, [ada, ben], { come: [cleo] }, { service: 'mnopqrstuvwx' }),
  ],
])('a change %s is refused, and the whole is asked for', async (_what, envelope) => {
  await say(hold(3, [ada, ben]));
  const said = (await say(envelope())) as BastionStateFrame;
  if (said.service === ID) expect(said).toMatchObject(refused(3, [ada, ben]));
  else expect(said).toMatchObject({ state: 'gone', revision: 0, wants_whole: true });
  expect([amendments, peers()]).toEqual([0, keysOf([ada, ben])]);
  expect(kept()).toEqual([`${ID}.service.json`]);
  // Then it has what it is told.
  expect(await say(hold(4, [cleo]))).toMatchObject(state(4, [cleo]));
  expect(log.lines.map((line) => JSON.stringify(line)).join()).not.toContain(server.privateKey);
});

test('what was told once leads nowhere later, though the same were there again', async () => {
  await say(hold(1, [ada]));
  const come = amend(1, [ada], { come: [ben] });
  await say(come);
  await say(amend(2, [ada, ben], { gone: [ben] }));
  // An agent that does not know any more what it has seen.
  told.length = 0;
  await killed();
  await expect.poll(() => told.some(({ type }) => type === 'BASTION_STATE'), SLOW).toBe(true);
  told.length = 0;
  bastion.heard({ type: 'BASTION', envelope: come });
  expect(await say(amend(3, [ada], { come: [cleo] }))).toMatchObject(state(4, [ada, cleo]));
  expect(peers()).toEqual(keysOf([ada, cleo]));
});

test('what cannot be changed alone is changed with all the rest', async () => {
  await say(hold(1, [ada]));
  failure = new BorealisError('COMMAND_FAILED', { detail: 'no such set' });
  expect(await say(amend(1, [ada], { come: [ben] }))).toMatchObject(state(2, [ada, ben]));
  expect([amendments, peers()]).toEqual([0, keysOf([ada, ben])]);
});

test('what was changed alone is followed by a look at all of it', async () => {
  await say(hold(1, [ada, ben]));
  await say(amend(1, [ada, ben], { come: [cleo] }));
  // Somebody else's hand, which a change of one does not see.
  machine.links.get(NAME)?.peers.delete(ada.peer.publicKey);
  await expect.poll(peers, { timeout: 40_000 }).toEqual(keysOf([ada, ben, cleo]));
});

test('a service of many is kept, and taken up again: more than a file of secrets may have', async () => {
  const many = Array.from({ length: 9_000 }, (_, index): HostedClient => {
    const address = `10.8.${index >> 8}.${index & 255}/32`;
    const key = () => randomBytes(32).toString('base64');
    const peer = { publicKey: key(), presharedKey: key(), persistentKeepalive: 0, allowedIps: [address] };
    return { peer, open: [address], restricted: [] };
  });
  const parts = holds(1, many);
  for (const envelope of parts.slice(0, -1)) bastion.heard({ type: 'BASTION', envelope });
  expect(await say(parts.at(-1)!)).toMatchObject(state(1, many));
  expect(statSync(whole()).size).toBeGreaterThan(1024 * 1024);
  expect(await say(amend(1, many, { gone: many.slice(0, 1) }))).toMatchObject(state(2, many.slice(1)));
  await bastion.close();
  await start();
  await expect.poll(() => peers().length, SLOW).toBe(many.length - 1);
}, 60_000);

/** What the journal has of it. */
const pick = ({ from, to, gone, come }: ReturnType<typeof change>): HostedChange => ({
  from,
  to,
  gone: [...gone],
  come: [...come],
});
