/**
 * Two bastions, `north` and `south`, on the devices' network of the lab, where the floating address moves; a client and a
 * site there that talk to it by WireGuard; and a network behind both bastions with one host, which knows no way back: it is
 * reached under the address of the bastion. What runs on the bastions is brought by others: ha-world.ts, keepalived.ts.
 */
import { Host } from '../host.ts';
import { echoServer } from '../inside.ts';
import { type LabNetwork, plug } from '../network.ts';
import { udpEcho } from '../vpn-network.ts';
import { Links } from './links.ts';
import { now } from './observer.ts';
import { type Outage, Pings } from './pings.ts';
import { TcpStream } from './tcp-stream.ts';
import { AddressWatch } from './watch.ts';

export const FLOATING = '192.168.77.50';
export const PORT = 51_820;
export const POOL = '10.8.0.0/24';
export const INNER_NETWORK = '192.168.5.0/24';
export const INNER = '192.168.5.2';
export const SITE_NETWORK = '192.168.9.0/24';
export const SITE = '192.168.9.1';
export const ECHO = 7;

export type NodeName = 'north' | 'south';
export const NODES: readonly NodeName[] = ['north', 'south'];
export const other = (node: string): NodeName => (node === 'north' ? 'south' : 'north');
/** To be given to Lab.start, LabNetwork.start. */
export const MACHINES = [...NODES, 'client', 'site'] as const;

export class Bastions {
  readonly network: LabNetwork;
  readonly inner: Host;
  readonly links: Links;
  readonly watch: AddressWatch;
  #pings: Pings | undefined;
  readonly #streams: TcpStream[] = [];

  private constructor(network: LabNetwork, inner: Host, watch: AddressWatch) {
    this.network = network;
    this.inner = inner;
    this.watch = watch;
    this.links = new Links(network.router, inner);
  }

  /** The network stays the caller's, who ends it after this. */
  static async build(network: LabNetwork): Promise<Bastions> {
    const inner = await Host.start('inner');
    try {
      inner.ip('link add net type bridge', `address add ${INNER}/24 dev net`, 'link set net up');
      for (const [index, name] of NODES.entries()) {
        plug(inner, 'net', `p-${name}`, network.device(name), 'eth1', `192.168.5.${10 + index}/24`);
      }
      // Behind the site, which stands for all that is there.
      network.device('site').ip(`address add ${SITE}/24 dev lo`);
      await Promise.all([
        udpEcho(inner, ECHO),
        echoServer(inner, ECHO),
        echoServer(network.device('site'), ECHO),
      ]);
      const nodes = NODES.map((name) => network.device(name));
      const watch = await AddressWatch.start({
        address: FLOATING,
        router: network.router,
        bridge: 'lan',
        nodes,
      });
      return new Bastions(network, inner, watch);
    } catch (error) {
      await inner.end();
      throw error;
    }
  }

  node(name: NodeName): Host {
    return this.network.device(name);
  }

  get client(): Host {
    return this.network.device('client');
  }

  get site(): Host {
    return this.network.device('site');
  }

  /** From the client to the host behind; begins with the first call. */
  get pings(): Pings {
    this.#pings ??= new Pings(this.client, INNER, ECHO);
    return this.#pings;
  }

  /** From the client to the site, through the holder: no address of a bastion is in it. */
  streamToSite(): TcpStream {
    const stream = new TcpStream(this.client, SITE, ECHO);
    this.#streams.push(stream);
    return stream;
  }

  /** Does something to the holder; resolves, when the client is served again by the other one, with what that cost. */
  async outage(from: NodeName, fault: () => void | Promise<void>, ms = 60_000): Promise<Outage> {
    const moment = now();
    await fault();
    await this.watch.answers(other(from), ms);
    await this.pings.flow(now(), ms);
    return this.pings.since(moment);
  }

  async end(): Promise<void> {
    await Promise.all([this.watch.end(), this.#pings?.end(), ...this.#streams.map((stream) => stream.end())]);
    await this.inner.end();
  }
}
