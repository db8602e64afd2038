/**
 * VPN services with a real store and a host that remembers what it was asked for: each network is as it was last
 * wanted, until a test says that it fails. What real ones do is in test/lab.
 */
import { join } from 'node:path';
import pino from 'pino';
import { AuditTrail } from '../../../src/daemon/audit/trail.ts';
import type { Call, Caller, OperationName } from '../../../src/daemon/capability.ts';
import type { Channel } from '../../../src/daemon/channel/channels.ts';
import { EventLog } from '../../../src/daemon/events/log.ts';
import type { HaNode } from '../../../src/daemon/ha/bastions.ts';
import { KeyRing } from '../../../src/daemon/keys/key-ring.ts';
import { DeviceBastions } from '../../../src/daemon/vpn/bastions.ts';
import { vpnHandlers } from '../../../src/daemon/vpn/operations.ts';
import { Services } from '../../../src/daemon/vpn/services.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import type { Event } from '../../../src/protocol/event.ts';
import type { InputOf, OutputOf } from '../../../src/protocol/operations.ts';
import { vpnOperations } from '../../../src/protocol/vpn.ts';
import type { Store } from '../../../src/store/store.ts';
import { publicKeyOf } from '../../../src/wg/keys.ts';
import type { GatewayNetwork } from '../../../src/wg/network.ts';
import type { HostRoute } from '../../../src/wg/routes.ts';
import type {
  Amendment,
  GatewayFirewall,
  ObservedPeer,
  Presence,
  WantedNetwork,
} from '../../../src/wg/types.ts';
import { type OpenStore, openStore } from '../../store/open.ts';
import { TurningClock } from '../agents.ts';

type VpnOperation = Extract<OperationName, `vpn.${string}` | `connection.${string}`>;
/** What WireGuard would have counted, by public key. */
export type Counted = Partial<Omit<ObservedPeer, 'publicKey'>>;

export class VpnPlace {
  readonly clock = new TurningClock();
  readonly events = new EventLog(this.clock);
  readonly told: Event[] = [];
  readonly routes: HostRoute[] = [];
  /** By the interface's name: what was wanted last. */
  readonly wanted = new Map<string, WantedNetwork>();
  readonly counted = new Map<string, Counted>();
  /** How often something was changed alone. */
  amendments = 0;
  /** What the next changes of the network fail with. */
  failure: Error | undefined;
  /** The same, once a part of it is there. */
  failsHalfWay: Error | undefined;
  /** Why no packets can be passed on. */
  noForwarding: Error | undefined;
  /** Interfaces that somebody else has. */
  readonly foreign = new Set<string>();
  readonly tornDown: string[] = [];
  /** Families for which packets must be passed on. */
  readonly forwarding = new Set<number>();
  /** Of devices, by GUID. */
  readonly channels = new Map<string, Channel>();
  /** Services of which high availability was told that they are deleted. */
  readonly deleted: string[] = [];
  /** By the service's id. */
  readonly pairs = new Map<string, readonly HaNode[]>();
  bastions!: DeviceBastions;
  readonly keys: KeyRing;
  readonly #open: OpenStore;
  #services: Services;

  private constructor(open: OpenStore, store: Store, keys: KeyRing) {
    this.#open = open;
    this.keys = keys;
    this.#services = this.#make(store);
    this.events.subscribe((event) => this.told.push(event));
  }

  static async open(wrap: (store: Store) => Store = (store) => store): Promise<VpnPlace> {
    const open = await openStore();
    const keys = await KeyRing.open(open.store, join(open.directory, 'master.key'), new TurningClock());
    return new VpnPlace(open, wrap(open.store), keys);
  }

  get services(): Services {
    return this.#services;
  }

  get store(): Store {
    return this.#services.parts.store;
  }

  get directory(): string {
    return this.#open.directory;
  }

  #make(store: Store): Services {
    const forwarding = {
      demand: async (families: ReadonlySet<number>) => {
        if (this.noForwarding) throw this.noForwarding;
        for (const one of families) this.forwarding.add(one);
      },
      release: async () => this.forwarding.clear(),
    };
    const parts = {
      store,
      events: this.events,
      clock: this.clock,
      keys: this.keys,
      log: pino({ level: 'silent' }),
      forwarding,
    };
    this.bastions = new DeviceBastions({
      ...parts,
      channels: {
        get: (guid, context) => (context === 'system' ? this.channels.get(guid) : undefined),
        online: () => this.channels.keys(),
      },
      pairs: {
        nodesOf: (vpnId) => this.pairs.get(vpnId) ?? null,
        deleted: async (_tx, vpnId) => {
          this.deleted.push(vpnId);
        },
      },
      heard: () => undefined,
    });
    return new Services({
      ...parts,
      audit: new AuditTrail(this.clock),
      devices: this.bastions,
      networkOf: (name) => this.#network(name),
      routes: async () => this.routes,
      tunnelNetwork: '10.255.0.0/16',
    });
  }

  /** An engine after this one. */
  async restart(): Promise<void> {
    await this.#services.close();
    this.#services = this.#make(this.store);
    await this.#services.start();
  }

  async call<N extends VpnOperation>(
    name: N,
    input: InputOf<N>,
    by: Partial<Caller> = {},
  ): Promise<OutputOf<N>> {
    const { services } = this;
    const handlers = vpnHandlers({ services, tunnelPort: 30_000 });
    const caller: Caller = { pid: 1, uid: 0, user: 'ada', groups: [], role: 'admin', ...by };
    const call: Call = {
      caller,
      signal: new AbortController().signal,
      audit: (tx, record) => services.parts.audit.record(tx, { actor: caller.user, action: name, ...record }),
    };
    const parsed = vpnOperations[name].input.parse(input);
    return handlers[name](parsed as never, call) as Promise<OutputOf<N>>;
  }

  /** A service of usual making. */
  office(rest: Partial<InputOf<'vpn.create'>> = {}): Promise<OutputOf<'vpn.create'>> {
    return this.call('vpn.create', {
      name: 'office',
      endpoint: 'vpn.example.org:51820',
      pool: '10.8.0.0/24',
      local_subnets: ['192.168.5.0/24'],
      ...rest,
    });
  }

  firewall(interfaceName = 'bvpn0'): GatewayFirewall {
    const firewall = this.wanted.get(interfaceName)?.firewall;
    if (!firewall || !('pools' in firewall)) throw new Error(`${interfaceName} has no firewall`);
    return firewall;
  }

  peers(interfaceName = 'bvpn0') {
    return this.wanted.get(interfaceName)?.interfaces?.[0]?.peers ?? [];
  }

  #network(name: string): GatewayNetwork {
    const device = () => {
      const of = this.wanted.get(name)?.interfaces?.[0];
      if (!of) return null;
      const peers = (of.peers ?? []).map(
        ({ publicKey, allowedIps }): ObservedPeer => ({
          publicKey,
          presharedKeyDigest: null,
          endpoint: null,
          lastHandshake: null,
          receivedBytes: 0,
          sentBytes: 0,
          persistentKeepalive: 0,
          allowedIps,
          ...this.counted.get(publicKey),
        }),
      );
      return { publicKey: publicKeyOf(of.privateKey), listenPort: of.listenPort ?? 0, peers };
    };
    return {
      apply: async (wanted) => {
        if (this.failure) throw this.failure;
        if (this.foreign.has(name)) throw new BorealisError('WG_INTERFACE_FOREIGN');
        this.wanted.set(name, wanted);
        if (this.failsHalfWay) throw this.failsHalfWay;
      },
      amend: async (amendment) => {
        if (this.failure) throw this.failure;
        this.wanted.set(name, amended(this.wanted.get(name)!, amendment));
        this.amendments += 1;
        return true;
      },
      device: async () => device(),
      peers: async () => device()?.peers ?? null,
      call: () => Promise.resolve(),
      forget: () => Promise.resolve(),
      stands: async () => true,
      guarded: async () => true,
      made: () => 1,
      observe: async () => {
        const found = device();
        if (this.foreign.has(name)) {
          const theirs: Presence = { state: 'foreign', why: 'is an interface of somebody else' };
          return { interfaces: new Map([[name, theirs]]), table: null };
        }
        const presence: Presence = found
          ? {
              state: 'present',
              interface: { ...found, driver: 'kernel', up: true, mtu: 1_420, addresses: [], routes: [] },
            }
          : { state: 'absent' };
        return { interfaces: new Map([[name, presence]]), table: null };
      },
      teardown: async () => {
        this.tornDown.push(name);
        this.wanted.delete(name);
      },
    };
  }

  async close(): Promise<void> {
    await this.#services.close();
    await this.#open.close();
  }
}

/** What wg/amend.ts makes of it. Throws where something goes that is not there. */
const amended = (wanted: WantedNetwork, { gone, come }: Amendment): WantedNetwork => {
  const { interfaces: [of] = [], firewall } = wanted;
  if (!of || !firewall || !('pools' in firewall)) throw new Error('there is nothing to be amended');
  const without = <T>(all: readonly T[], some: readonly T[]): T[] => {
    const left = all.map((one) => JSON.stringify(one));
    for (const one of some) {
      const index = left.indexOf(JSON.stringify(one));
      if (index < 0) throw new Error(`${JSON.stringify(one)} is not there`);
      left.splice(index, 1);
    }
    return left.map((text) => JSON.parse(text) as T);
  };
  const peers = [
    ...without(
      of.peers ?? [],
      gone.map(({ peer }) => peer),
    ),
    ...come.map(({ peer }) => peer),
  ];
  const open = without(
    firewall.open,
    gone.flatMap((one) => one.open),
  );
  const restricted = without(
    firewall.restricted,
    gone.flatMap((one) => one.restricted),
  );
  return {
    interfaces: [{ ...of, peers }],
    firewall: {
      ...firewall,
      open: [...open, ...come.flatMap((one) => one.open)],
      restricted: [...restricted, ...come.flatMap((one) => one.restricted)],
    },
  };
};
