/** A device that hosts VPN services on a simulated machine (the real one: test/lab), and the engine's words to it. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { AgentBastion } from '../../../src/agent/bastion/bastion.ts';
import type { HostedParts } from '../../../src/agent/bastion/hosted-parts.ts';
import { KeptServices } from '../../../src/agent/bastion/kept.ts';
import { SealKey } from '../../../src/agent/bastion/seal-key.ts';
import { SeenTokens } from '../../../src/agent/port/seen-tokens.ts';
import { SeenLog } from '../../../src/agent/seen-log.ts';
import { generateEd25519, nodeEd25519 } from '../../../src/crypto/ed25519.ts';
import { type EnvelopeType, sealEnvelope } from '../../../src/crypto/envelope.ts';
import {
  BASTION_PART_MAX,
  BASTION_TYPE,
  type HostedClient,
  type HostedService,
} from '../../../src/protocol/bastion.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import type { FromAgent } from '../../../src/protocol/frame.ts';
import { systemClock } from '../../../src/sys/clock.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import { createNetwork, type GatewayNetwork } from '../../../src/wg/network.ts';
import { Simulation } from '../../wg/simulation.ts';
import { keptLog, temporary } from '../parts.ts';

const KEY_ID = 'k'.repeat(43);
export const GUID = '5b7d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11';
/** Ids of services. */
export const [ONE, TWO] = ['abcdefghijkl', 'mnopqrstuvwx'] as const;
/** For `expect.poll`, on a machine that is slow. */
export const SLOW = { timeout: 20_000 };

export const engineKeys = generateEd25519();
/** Of all services. */
export const server = generateKeyPair();

const never = (): Promise<never> => new Promise(() => undefined);

export class Device {
  readonly folder = temporary();
  readonly machine = new Simulation({ module: true });
  readonly log = keptLog();
  /** All that the engine was told. */
  readonly told: FromAgent[] = [];
  readonly directory = join(this.folder.directory, 'bastion');
  readonly keyFile = join(this.folder.directory, 'seal.key');
  /** What becomes of an interface that is to go. */
  letGo = (): Promise<void> => Promise.resolve();
  forwarding = (): Promise<void> => Promise.resolve();
  /** How often it was said that packets are passed on for nobody. */
  released = 0;
  /** Milliseconds by which the machine's clock is ahead of ours, for expiries. */
  ahead = 0;
  /** What the next apply fails with. */
  applyFailure: Error | undefined;
  /** How often something was changed alone, and what the next such change fails with. */
  amendments = 0;
  amendFailure: Error | undefined;
  openHa: HostedParts['openHa'] = () => Promise.reject(new BorealisError('HA_NO_INTERFACE'));
  bastion!: AgentBastion;
  readonly #forgets: boolean;
  /** Of the agent that runs. */
  #life = { isDead: false };
  #seen: SeenTokens | undefined;
  /** Files that agents have open which were killed. */
  readonly #leftOpen: SeenTokens[] = [];

  /** `forgets`: each agent begins without a memory of what the one before has heard. */
  constructor({ forgets = false } = {}) {
    this.#forgets = forgets;
  }

  async start(): Promise<AgentBastion> {
    const life = { isDead: false };
    this.#life = life;
    const { log } = this;
    const name = this.#forgets ? `seen-${randomBytes(4).toString('hex')}.log` : 'seen.log';
    const seen = new SeenTokens(new SeenLog(join(this.folder.directory, name)));
    this.#seen = seen;
    this.bastion = new AgentBastion({
      trust: {
        guid: GUID,
        context: 'system',
        signingKey: engineKeys.publicKey,
        signingKeyId: KEY_ID,
        ed: nodeEd25519,
      },
      kept: this.keeper(),
      seen,
      uplink: { send: (frame) => !life.isDead && this.told.push(frame) > 0, buffered: 0 },
      partsFor: (_name, { told }) => ({
        network: this.#network(life),
        leniency: { demand: () => Promise.resolve() },
        forwarding: { demand: () => this.forwarding(), release: () => Promise.resolve() },
        told,
        clock: { now: () => systemClock.now() + this.ahead, monotonic: () => systemClock.monotonic() },
        log,
        clearHa: () => Promise.resolve(),
        openHa: (...of) => this.openHa(...of),
      }),
      release: async () => {
        this.released += 1;
      },
      clock: systemClock,
      log,
    });
    await this.bastion.start();
    return this.bastion;
  }

  /** The simulation knows no gateway's firewall: real nft is in test/wg. Nothing happens for who is dead. */
  #network(life: { readonly isDead: boolean }): GatewayNetwork {
    const network = createNetwork(this.machine.system);
    const alive =
      <A extends readonly unknown[], T>(work: (...of: A) => Promise<T>) =>
      (...of: A): Promise<T> =>
        life.isDead ? never() : work(...of);
    return {
      ...network,
      guarded: alive(() => Promise.resolve(true)),
      peers: alive(network.peers),
      device: alive(network.device),
      call: alive(network.call),
      forget: alive(network.forget),
      apply: alive(({ interfaces }) =>
        this.applyFailure ? Promise.reject(this.applyFailure) : network.apply({ interfaces }),
      ),
      teardown: alive(async (of) => {
        await this.letGo();
        await network.teardown({ ...of, firewall: false });
      }),
      amend: alive(({ name, gone, come }) => {
        if (this.amendFailure) throw this.amendFailure;
        const bare = (all: typeof gone) => all.map(({ peer }) => ({ peer, open: [], restricted: [] }));
        this.amendments += 1;
        return network.amend({ name, gone: bare(gone), come: bare(come) });
      }),
    };
  }

  /** What keeps the services on this device's disk. */
  keeper(): KeptServices {
    return new KeptServices({ directory: this.directory, key: new SealKey(this.keyFile), log: this.log });
  }

  /** In order, as with systemctl restart. */
  async restart(): Promise<AgentBastion> {
    await this.bastion.close();
    return this.start();
  }

  /** As with kill -9: nothing is taken down, and the next one finds what is there. */
  killed(): Promise<AgentBastion> {
    this.#life.isDead = true;
    void this.bastion.close(); // its timers; it waits for ever
    if (this.#seen) this.#leftOpen.push(this.#seen);
    return this.start();
  }

  async close(): Promise<void> {
    this.letGo = () => Promise.resolve();
    await this.bastion?.close();
    for (const seen of this.#leftOpen) await seen.close();
    await this.folder.remove();
  }

  // What is seen of it

  get kept(): string[] {
    return existsSync(this.directory) ? readdirSync(this.directory).sort() : [];
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  get links(): string[] {
    return [...this.machine.links.keys()].sort();
  }

  /** Public keys. */
  peers(name = 'bvpn0'): string[] {
    return [...(this.machine.links.get(name)?.peers.keys() ?? [])].sort();
  }

  hear(...envelopes: readonly string[]): void {
    for (const envelope of envelopes) this.bastion.heard({ type: 'BASTION', envelope });
  }

  /** Resolves with what the agent says of it. */
  async say(...envelopes: readonly string[]): Promise<FromAgent> {
    const before = this.told.length;
    this.hear(...envelopes);
    const said = () => this.told.slice(before).findLast(({ type }) => type !== 'BASTION_PEERS');
    await expect.poll(said, SLOW).toBeDefined();
    return said()!;
  }

  /** Resolves when it has told that. */
  async tells(id: string, wanted: object): Promise<void> {
    const last = () => this.told.findLast((frame) => frame.type === 'BASTION_STATE' && frame.service === id);
    await expect.poll(last, SLOW).toMatchObject(wanted);
  }
}

/** One of each two may go everywhere, the other one to the local subnet alone. */
export const client = (number: number, publicKey = generateKeyPair().publicKey) => {
  const address = `10.8.${number >> 8}.${number & 255}/32`;
  const targets = [{ network: '192.168.5.0/24', protocol: null, ports: null }];
  return {
    peer: { publicKey, presharedKey: null, persistentKeepalive: 0, allowedIps: [address] },
    open: number % 2 === 0 ? [address] : [],
    restricted: number % 2 === 0 ? [] : [{ sources: [address], targets }],
  } satisfies HostedClient;
};

export const service = (
  clients: readonly HostedClient[],
  change: Partial<HostedService> = {},
  name = 'bvpn0',
): HostedService => ({
  id: ONE,
  name: 'office',
  network: {
    interfaces: [
      {
        name,
        privateKey: server.privateKey,
        listenPort: 51_820 + Number(name.replace(/\D/g, '')),
        mtu: 1_420,
        addresses: ['10.8.0.1/16'],
        routes: [],
        peers: clients.map(({ peer }) => peer),
      },
    ],
    firewall: {
      name,
      addresses: ['10.8.0.1'],
      pools: ['10.8.0.0/16'],
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
  ...change,
});

const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

export const addressed = (change: object = {}) => ({
  service: ONE as string,
  nonce: randomBytes(32).toString('base64url'),
  iat: nowSeconds(),
  exp: nowSeconds() + 60,
  agent_targets: [`${GUID}/system`],
  ...change,
});

export const seal = (claims: object, seed = engineKeys.seed, typ: EnvelopeType = BASTION_TYPE): string =>
  sealEnvelope(claims, { seed, kid: KEY_ID, typ }, nodeEd25519);

export const bodyOf = (of: unknown): string => gzipSync(JSON.stringify(of)).toString('base64url');

/** In parts, where it is long. */
export const hold = (of: HostedService, revision = 1): string[] => {
  const body = bodyOf(of);
  const parts = Math.ceil(body.length / BASTION_PART_MAX);
  return Array.from({ length: parts }, (_, part) => {
    const piece = body.slice(part * BASTION_PART_MAX, (part + 1) * BASTION_PART_MAX);
    return seal({ action: 'hold', ...addressed({ service: of.id }), revision, part, parts, body: piece });
  });
};

export const drop = (id: string = ONE): string => seal({ action: 'drop', ...addressed({ service: id }) });
