/** The engine's own end: its interface, its key, its table. Made with the first tunnel, gone with the last. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import { type Network as AddressNetwork, contains, numberOf, parseNetwork } from '../../wg/addresses.ts';
import type { HostUse } from '../../wg/host-uses.ts';
import { generateKeyPair, publicKeyOf } from '../../wg/keys.ts';
import type { Network } from '../../wg/network.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { engineAddress } from './book.ts';
import { PeerLooks, type Peers } from './peer-looks.ts';
import type { Session } from './session.ts';
import { type EngineEnd, wantedNetwork } from './wanted.ts';

const KEY = 'tunnel-key';
/** Milliseconds. */
const RECENT_MS = 250;

export interface EndSettings {
  readonly tunnel_interface: string;
  readonly tunnel_port: number;
  readonly tunnel_network: string;
}

export interface EndParts {
  readonly store: Store;
  readonly keys: Pick<KeyRing, 'getOrMake'>;
  readonly network: Network;
  readonly settings: EndSettings;
  readonly uid: number;
  /** Of this host, whatever is not of the tunnels' interface. */
  readonly uses: () => Promise<readonly HostUse[]>;
  readonly clock: Clock;
}

export class OwnEnd {
  readonly addresses: AddressNetwork;
  readonly address: string;
  readonly publicKey: string;
  readonly port: number;
  readonly #end: EngineEnd;
  readonly #network: Network;
  readonly #uses: EndParts['uses'];
  readonly #looks: PeerLooks;
  /** Whether the interface was seen to be ours, or made, since this process began. */
  #ours = false;
  /** Which of those that were made has the sessions. */
  #made = 0;
  /** Changes under way, and how many there were. */
  #changing = 0;
  #changes = 0;
  #looking: Promise<void> | undefined;
  #prepared = false;
  #holes: readonly AddressNetwork[] = [];

  private constructor(end: EngineEnd, addresses: AddressNetwork, { network, uses, clock }: EndParts) {
    this.#end = end;
    this.#network = network;
    this.#uses = uses;
    this.#looks = new PeerLooks(
      () => network.peers(end.interfaceName),
      () => clock.monotonic(),
    );
    this.addresses = addresses;
    this.address = end.address;
    this.port = end.listenPort;
    this.publicKey = publicKeyOf(end.privateKey);
  }

  /** Errors: CONFIG_INVALID. */
  static async open(parts: EndParts): Promise<OwnEnd> {
    const { keys, settings, uid } = parts;
    const addresses = addressesOf(settings.tunnel_network);
    const key = await keys.getOrMake(KEY, () => Buffer.from(generateKeyPair().privateKey, 'base64'));
    return new OwnEnd(
      {
        interfaceName: settings.tunnel_interface,
        privateKey: key.toString('base64'),
        listenPort: settings.tunnel_port,
        address: engineAddress(addresses),
        network: addresses,
        uid,
      },
      addresses,
      parts,
    );
  }

  /**
   * Makes it so for these sessions; without any, there is nothing of it. Errors: WG_INTERFACE_FOREIGN, PORT_TAKEN,
   * NETWORK_OVERLAP, NET_ADMIN_REQUIRED, WIREGUARD_MISSING, PROGRAM_MISSING, COMMAND_FAILED.
   */
  async apply(sessions: readonly Session[]): Promise<void> {
    if (sessions.length === 0) return this.remove();
    const first = !this.#ours;
    if (first && !this.#prepared) await this.prepare();
    this.#prepared = false;
    await this.#change(async () => {
      await this.#network.apply(wantedNetwork(this.#end, sessions, this.#holes));
      this.#ours = true;
      if (first) this.#made = this.#network.made(this.#end.interfaceName);
    });
  }

  /** As `apply`, where it was lost: sessions are begun with this one. */
  async applyAnew(sessions: readonly Session[]): Promise<void> {
    await this.apply(sessions);
    this.#made = this.#network.made(this.#end.interfaceName);
  }

  async remove(): Promise<void> {
    if (!this.#ours) return;
    await this.#change(async () => {
      await this.#network.teardown({ interfaces: [this.#end.interfaceName], firewall: true });
      this.#ours = false;
    });
  }

  /** What a killed engine left and nobody wants any more. */
  async removeLeftOver(): Promise<void> {
    const left = await this.#network.device(this.#end.interfaceName);
    if (left?.publicKey !== this.publicKey) return;
    this.#ours = true;
    await this.remove();
  }

  /**
   * False where the one with the sessions was lost: it is gone, or does not answer, though nothing of ours changes it; or
   * such a change found it gone, and made another.
   */
  async stands(): Promise<boolean> {
    const { interfaceName } = this.#end;
    if (!this.#ours || this.#changing > 0) return true;
    if (this.#network.made(interfaceName) !== this.#made) return false;
    const before = this.#changes;
    return (await this.#network.stands(interfaceName)) || this.#changes !== before;
  }

  /** Without its table the tunnels lead everywhere. */
  async guarded(): Promise<boolean> {
    return !this.#ours || this.#changing > 0 || this.#network.guarded();
  }

  async #change(change: () => Promise<void>): Promise<void> {
    this.#changes += 1;
    this.#changing += 1;
    await change().finally(() => {
      this.#changing -= 1;
    });
  }

  peers(): Promise<Peers> {
    return this.#looks.fresh();
  }

  /** What was seen a moment ago will do. */
  recentPeers(): Promise<Peers> {
    return this.#looks.recent(RECENT_MS);
  }

  /** Of the network, what this host has other uses for, as it was when the interface was made: no device's. */
  get holes(): readonly AddressNetwork[] {
    return this.#holes;
  }

  /** Before the first tunnel. Errors: WG_INTERFACE_FOREIGN, NETWORK_OVERLAP, those of wg/commands.ts. */
  async prepare(): Promise<void> {
    if (this.#ours) return;
    // Many may come at once; one look serves them all.
    this.#looking ??= this.#lookAround().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  async #lookAround(): Promise<void> {
    const [holes] = await Promise.all([this.demandFree(), this.#demandOurs()]);
    if (this.#ours) return;
    this.#holes = holes;
    this.#prepared = true;
  }

  /**
   * What the route of the tunnels would hide: routes, gateways and resolvers of this host in their network. One that holds
   * all of it is none of them: a host in 10.0.0.0/8 uses some of that. Errors: NETWORK_OVERLAP where the engine's own
   * address is among it, those of wg/commands.ts.
   */
  async demandFree(): Promise<readonly AddressNetwork[]> {
    const { addresses } = this;
    const own = numberOf(this.address);
    const uses = (await this.#uses())
      .map((use) => ({ ...use, network: parseNetwork(use.network, 'a network') }))
      .filter(({ network }) => contains(addresses, network));
    const clash = uses.find(({ network: { first, last } }) => first <= own && own <= last);
    if (!clash) return uses.map(({ network }) => network);
    throw new BorealisError('NETWORK_OVERLAP', {
      detail: `${clash.network.text}, ${clash.what}, has ${this.address}, which is to be the engine's in ${addresses.text}.`,
      next: 'Give the tunnels another network: borealisctl config set tunnel_network 10.254.0.0/16; then start the engine again.',
    });
  }

  /** Two engines on one host with one interface name would take each other's tunnels down. */
  async #demandOurs(): Promise<void> {
    const { interfaceName } = this.#end;
    const there = await this.#network.device(interfaceName);
    if (!there || there.publicKey === null || there.publicKey === this.publicKey) return;
    throw new BorealisError('WG_INTERFACE_FOREIGN', {
      detail: `${interfaceName} belongs to another engine on this host; it was left alone.`,
      next: 'Give this engine its own: borealisctl config set tunnel_interface borealis2 (and tunnel_port, tunnel_network).',
    });
  }
}

const addressesOf = (text: string): AddressNetwork => {
  const invalid = (detail: string) =>
    new BorealisError('CONFIG_INVALID', { detail: `tunnel_network: ${detail}` });
  if (!/^\d{1,3}(\.\d{1,3}){3}\/(?:[12]?\d|3[0-2])$/.test(text))
    throw invalid(`${text} is no IPv4 network like 10.255.0.0/16.`);
  const network = parseNetwork(text, 'tunnel_network');
  if (network.length < 8 || network.length > 30) throw invalid('its prefix length must be from 8 to 30.');
  return network;
};
