/** What an agent takes for the engine's word about a VPN service, on a simulated machine (the real one: test/lab). */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AgentBastion } from '../../../src/agent/bastion/bastion.ts';
import { KeptServices } from '../../../src/agent/bastion/kept.ts';
import { SeenTokens } from '../../../src/agent/port/seen-tokens.ts';
import { SeenLog } from '../../../src/agent/seen-log.ts';
import { generateEd25519, nodeEd25519 } from '../../../src/crypto/ed25519.ts';
import { type EnvelopeType, sealEnvelope } from '../../../src/crypto/envelope.ts';
import { BASTION_TYPE, type HostedService } from '../../../src/protocol/bastion.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import type { FromAgent } from '../../../src/protocol/frame.ts';
import { systemClock } from '../../../src/sys/clock.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import { createNetwork, type GatewayNetwork } from '../../../src/wg/network.ts';
import { Simulation } from '../../wg/simulation.ts';
import { keptLog, temporary } from '../parts.ts';

const KEY_ID = 'k'.repeat(43);
const GUID = '5b7d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11';
const OTHER_GUID = '0f1d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11';
const ID = 'abcdefghijkl';
/** Of a machine that is slow. */
const SLOW = { timeout: 20_000 };

/** The simulation knows no gateway's firewall: real nft is in test/wg. */
const withoutFirewall = (network: GatewayNetwork, stuck: () => boolean): GatewayNetwork => ({
  ...network,
  guarded: () => Promise.resolve(true),
  apply: ({ interfaces }) => network.apply({ interfaces }),
  teardown: (of) => (stuck() ? Promise.reject(new BorealisError('COMMAND_FAILED')) : network.teardown(of)),
});

describe('a word about a VPN service', () => {
  const engineKeys = generateEd25519();
  const stranger = generateEd25519();
  const server = generateKeyPair();
  const peers = [generateKeyPair().publicKey, generateKeyPair().publicKey];
  let folder: ReturnType<typeof temporary>;
  let machine: Simulation;
  /** Whether the machine lets no interface go. */
  let stuck: boolean;
  let log: ReturnType<typeof keptLog>;
  let told: FromAgent[];
  let bastion: AgentBastion;
  const directory = () => join(folder.directory, 'bastion');
  const kept = () => (existsSync(directory()) ? readdirSync(directory()) : []);

  const start = async (): Promise<void> => {
    bastion = new AgentBastion({
      trust: {
        guid: GUID,
        context: 'system',
        signingKey: engineKeys.publicKey,
        signingKeyId: KEY_ID,
        ed: nodeEd25519,
      },
      kept: new KeptServices(directory(), log),
      seen: new SeenTokens(new SeenLog(join(folder.directory, 'seen.log'))),
      uplink: { send: (frame) => told.push(frame) > 0, buffered: 0 },
      partsFor: (_name, { told: changed }) => ({
        network: withoutFirewall(createNetwork(machine.system), () => stuck),
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

  beforeEach(async () => {
    folder = temporary();
    machine = new Simulation({ module: true });
    stuck = false;
    log = keptLog();
    told = [];
    await start();
  });
  afterEach(async () => {
    await bastion.close();
    await folder.remove();
  });

  const service = (change: Partial<HostedService> = {}, name = 'bvpn0', clients = peers): HostedService => ({
    id: ID,
    name: 'office',
    network: {
      interfaces: [
        {
          name,
          privateKey: server.privateKey,
          listenPort: 51_820,
          mtu: 1_420,
          addresses: ['10.8.0.1/24'],
          routes: [],
          peers: clients.map((publicKey, at) => ({ publicKey, allowedIps: [`10.8.0.${at + 2}/32`] })),
        },
      ],
      firewall: {
        name,
        addresses: ['10.8.0.1'],
        pools: ['10.8.0.0/24'],
        local: ['192.168.5.0/24'],
        sites: [],
        open: ['10.8.0.2/32'],
        restricted: [],
        masquerade: true,
        mtu: 1_420,
      },
    },
    families: [4],
    ha: null,
    ...change,
  });
  const now = () => Math.floor(Date.now() / 1_000);
  const addressed = (change: object = {}) => ({
    service: ID,
    nonce: randomBytes(32).toString('base64url'),
    iat: now(),
    exp: now() + 60,
    agent_targets: [`${GUID}/system`],
    ...change,
  });
  const bodyOf = (of: unknown) => gzipSync(JSON.stringify(of)).toString('base64url');
  const hold = (change: object = {}, of: unknown = service()): object => ({
    action: 'hold',
    ...addressed(),
    revision: 1,
    part: 0,
    parts: 1,
    body: bodyOf(of),
    ...change,
  });
  const seal = (claims: object, seed = engineKeys.seed, typ: EnvelopeType = BASTION_TYPE): string =>
    sealEnvelope(claims, { seed, kid: KEY_ID, typ }, nodeEd25519);
  /** Resolves when the agent has said something of it. */
  const say = async (envelope: string): Promise<FromAgent> => {
    const before = told.length;
    bastion.heard({ type: 'BASTION', envelope });
    await expect.poll(() => told.slice(before).some(({ type }) => type !== 'BASTION_PEERS'), SLOW).toBe(true);
    return told.slice(before).findLast(({ type }) => type !== 'BASTION_PEERS')!;
  };
  const state = (revision: number, rest: object = {}) => ({
    type: 'BASTION_STATE',
    service: ID,
    revision,
    state: 'up',
    error_code: null,
    ha: null,
    ...rest,
  });

  test('of the engine is obeyed, kept where only root reads it, and its end too', async () => {
    expect(await say(seal(hold()))).toMatchObject(state(1));
    expect([...machine.links.keys()]).toEqual(['bvpn0']);
    expect([...machine.links.get('bvpn0')!.peers.keys()]).toEqual(peers);
    expect(kept()).toEqual([`${ID}.service.json`]);
    expect(statSync(join(directory(), `${ID}.service.json`)).mode & 0o777).toBe(0o600);
    expect(statSync(directory()).mode & 0o777).toBe(0o700);
    expect(await say(seal(hold({ revision: 2 }, service({}, 'bvpn0', peers.slice(1)))))).toMatchObject(
      state(2),
    );
    expect([...machine.links.get('bvpn0')!.peers.keys()]).toEqual(peers.slice(1));
    expect(await say(seal({ action: 'drop', ...addressed() }))).toMatchObject({ state: 'gone', revision: 0 });
    expect(machine.links.size).toBe(0);
    expect(kept()).toEqual([]);
    expect(JSON.stringify(log.lines)).not.toContain(server.privateKey);
  });

  test('is gone on with after a restart, with no engine there', async () => {
    await say(seal(hold()));
    await bastion.close();
    expect(machine.links.size).toBe(0);
    await start();
    await expect.poll(() => [...machine.links.keys()], SLOW).toEqual(['bvpn0']);
    // What was damaged meanwhile is left out, and told of.
    await bastion.close();
    writeFileSync(join(directory(), `${ID}.service.json`), '{', { mode: 0o600 });
    await start();
    await expect.poll(() => log.lines.some(({ level }) => level === 'error'), SLOW).toBe(true);
    expect(machine.links.size).toBe(0);
    expect(await say(seal(hold({ revision: 5 })))).toMatchObject(state(5));
  });

  test.each<[string, string, () => string]>([
    ['signed by somebody else', 'signature_refused', () => seal(hold(), stranger.seed)],
    ['of another kind', 'signature_refused', () => seal(hold(), engineKeys.seed, 'borealis-tunnel+jws')],
    ['altered', 'signature_refused', () => seal(hold()).replace(/\.([^.]{20})/, '.AAAAAAAAAAAAAAAAAAAA')],
    ['that is no envelope', 'signature_refused', () => 'open sesame'],
    ['to another device', 'signature_refused', () => seal(hold({ agent_targets: [`${OTHER_GUID}/system`] }))],
    ['to the other context', 'signature_refused', () => seal(hold({ agent_targets: [`${GUID}/user`] }))],
    ['that has expired', 'notice', () => seal(hold({ iat: now() - 61, exp: now() - 1 }))],
    ['that lives too long', 'notice', () => seal(hold({ exp: now() + 3_600 }))],
    ['with a body that is none', 'notice', () => seal(hold({ body: 'AAAA' }))],
    [
      'that would fill the memory',
      'notice',
      () => seal(hold({ body: gzipSync(Buffer.alloc(70 << 20)).toString('base64url') })),
    ],
    ['of another service inside', 'notice', () => seal(hold({}, service({ id: 'zzzzzzzzzzzz' })))],
    ['about an interface that is not a service’s', 'notice', () => seal(hold({}, service({}, 'eth0')))],
    ['about the interface of tunnels', 'notice', () => seal(hold({}, service({}, 'borealis1')))],
    [
      'whose firewall is for another interface',
      'notice',
      () => {
        const { network } = service();
        return seal(
          hold({}, service({ network: { ...network, firewall: { ...network.firewall, name: 'bvpn9' } } })),
        );
      },
    ],
  ])('%s is refused, and nothing is made or kept', async (_what, kind, envelope) => {
    expect(await say(envelope())).toMatchObject({ type: 'EVENT', kind });
    expect(machine.links.size).toBe(0);
    expect(kept()).toEqual([]);
    expect(JSON.stringify(log.lines)).not.toContain(server.privateKey);
  });

  test('is good once, also for the agent after a restart', async () => {
    const envelope = seal(hold());
    expect(await say(envelope)).toMatchObject(state(1));
    expect(await say(envelope)).toMatchObject({ type: 'EVENT', kind: 'replay_refused' });
    await bastion.close();
    told.length = 0;
    await start();
    bastion.heard({ type: 'BASTION', envelope });
    await expect.poll(() => told, SLOW).toContainEqual(expect.objectContaining({ kind: 'replay_refused' }));
  });

  test('in parts is obeyed when the last one is here; parts of two revisions are not joined', async () => {
    const body = bodyOf(service());
    const part = (at: number, revision: number) =>
      seal(hold({ revision, part: at, parts: 2, body: at === 0 ? body.slice(0, 40) : body.slice(40) }));
    for (const envelope of [part(0, 1), part(0, 2), part(1, 1), part(1, 2)])
      bastion.heard({ type: 'BASTION', envelope });
    expect(await say(seal({ action: 'drop', ...addressed({ service: 'zzzzzzzzzzzz' }) }))).toMatchObject({
      state: 'gone',
    });
    expect(machine.links.size).toBe(0);
    bastion.heard({ type: 'BASTION', envelope: part(0, 3) });
    expect(await say(part(1, 3))).toMatchObject(state(3));
  });

  test('that was overtaken by a newer one changes nothing', async () => {
    await say(seal(hold({ revision: 7 })));
    bastion.heard({ type: 'BASTION', envelope: seal(hold({ revision: 6 }, service({}, 'bvpn0', []))) });
    expect(await say(seal(hold({ revision: 8 })))).toMatchObject(state(8));
    expect(machine.links.get('bvpn0')!.peers.size).toBe(2);
  });

  test('that takes the interface of another service is refused', async () => {
    await say(seal(hold()));
    const other = 'mnopqrstuvwx';
    expect(await say(seal(hold({ service: other }, service({ id: other }))))).toMatchObject({
      type: 'EVENT',
      kind: 'notice',
    });
    expect(await say(seal(hold({ service: other }, service({ id: other }, 'bvpn1'))))).toMatchObject({
      service: other,
      state: 'up',
    });
    expect([...machine.links.keys()]).toEqual(['bvpn0', 'bvpn1']);
  });

  test('which the machine cannot follow is answered with why, and tried again', async () => {
    const { network } = service();
    const wrong = { ...network, interfaces: [{ ...network.interfaces[0]!, addresses: ['10.0.0.0/99'] }] };
    expect(await say(seal(hold({}, service({ network: wrong }))))).toMatchObject(
      state(0, { state: 'failed', error_code: 'INVALID_INPUT' }),
    );
    expect(await say(seal(hold({ revision: 2 })))).toMatchObject(state(2));
  });

  test('is over for a device that may host nothing any more', async () => {
    await say(seal(hold()));
    bastion.forbid();
    await expect.poll(() => machine.links.size, SLOW).toBe(0);
    await expect.poll(kept, SLOW).toEqual([]);
  });

  test('leaves no key with a device that may host nothing any more, whatever fails there', async () => {
    const other = 'mnopqrstuvwx';
    await say(seal(hold()));
    await say(seal(hold({ service: other }, service({ id: other }, 'bvpn1'))));
    await bastion.close();
    const damaged = readFileSync(join(directory(), `${ID}.service.json`), 'utf8').replace(
      '"privateKey":"',
      '"privateKey":',
    );
    writeFileSync(join(directory(), `${ID}.service.json`), damaged, { mode: 0o600 });
    writeFileSync(join(directory(), `.${ID}.service.json.0123456789ab.new`), damaged, { mode: 0o600 });
    await start();
    await expect.poll(() => [...machine.links.keys()], SLOW).toEqual(['bvpn1']);
    expect(kept().filter((name) => name.startsWith('.'))).toEqual([]);
    // What is wrong in it is told without a letter of it.
    expect(JSON.stringify(log.lines).includes(`${ID}.service.json`)).toBe(true);
    expect(JSON.stringify(log.lines)).not.toContain(server.privateKey.slice(0, 6));
    stuck = true;
    bastion.forbid();
    // What is to be taken down still, and no key of it.
    await expect.poll(kept, SLOW).toEqual([`${other}.leaving.json`]);
    expect(readFileSync(join(directory(), `${other}.leaving.json`), 'utf8')).not.toContain(server.privateKey);
    // Let in again, it has what it is told, and nothing of before.
    stuck = false;
    expect(await say(seal(hold({ service: other }, service({ id: other }, 'bvpn1', []))))).toMatchObject({
      service: other,
      state: 'up',
    });
    expect(machine.links.get('bvpn1')!.peers.size).toBe(0);
    // Refused again.
    bastion.forbid();
    await expect.poll(() => machine.links.size, SLOW).toBe(0);
    await expect.poll(kept, SLOW).toEqual([]);
  });

  test('of what is here, and who is there, is told anew on each channel', async () => {
    await say(seal(hold()));
    told.length = 0;
    bastion.online();
    await expect.poll(() => told.map(({ type }) => type), SLOW).toEqual(['BASTION_STATE', 'BASTION_PEERS']);
    expect(told[1]).toMatchObject({
      service: ID,
      peers: peers.map((public_key) => ({ public_key, endpoint: null })),
    });
    expect(readFileSync(join(directory(), `${ID}.service.json`), 'utf8')).toContain('"revision":1');
  });
});
