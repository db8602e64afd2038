/**
 * How the machines of the lab are joined: the engine and a router on the internet, the devices behind the router, which
 * lets them out under its own address and nobody in. What goes wrong in networks can be made to happen, and to end.
 */
import { Host } from './host.ts';
import { type SlowLine, slowLine } from './slow-line.ts';

const INTERNET = '203.0.113';
const LAN = '192.168.77';
export const ENGINE_ADDRESS = `${INTERNET}.1`;
/** Under which the engine sees all devices. */
export const ROUTER_ADDRESS = `${INTERNET}.2`;
/** The router, as the devices see it. */
export const GATEWAY_ADDRESS = `${LAN}.1`;

/** A fault of the network between devices and engine; `only` names the device that it befalls, else it is all of them. */
export interface Fault {
  readonly only?: string;
}

/** One cable, `port` on a bridge of `a`. Both ends are made where they belong: no name of ours is ever seen outside. */
export const plug = (a: Host, bridge: string, port: string, b: Host, end: string, address: string): void => {
  // In the network namespace alone: it is the caller's process numbers that name the other one.
  const words = `link add ${port} master ${bridge} type veth peer name ${end} netns ${b.holder}`;
  a.runInNetwork('ip', ...words.split(' '));
  a.ip(`link set ${port} up`);
  b.ip(`address add ${address} dev ${end}`, `link set ${end} up`);
};

export class LabNetwork {
  readonly engine: Host;
  readonly router: Host;
  readonly devices: ReadonlyMap<string, Host>;
  readonly #internet: Host;
  readonly #addresses = new Map<string, string>();
  #routerAddress = ROUTER_ADDRESS;

  private constructor(hosts: { engine: Host; router: Host; internet: Host; devices: readonly Host[] }) {
    this.engine = hosts.engine;
    this.router = hosts.router;
    this.#internet = hosts.internet;
    this.devices = new Map(hosts.devices.map((host) => [host.name, host]));
  }

  /** Names of devices have at most 13 letters: their cables are called by them. */
  static async start(devices: readonly string[]): Promise<LabNetwork> {
    const names = ['internet', 'engine', 'router', ...devices];
    const started = await Promise.allSettled(names.map((name) => Host.start(name)));
    const hosts = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const [internet, engine, router, ...rest] = hosts;
    const failed = started.find((result) => result.status === 'rejected');
    if (failed || !internet || !engine || !router) {
      await Promise.all(hosts.map((host) => host.end()));
      throw failed?.reason;
    }
    const network = new LabNetwork({ engine, router, internet, devices: rest });
    try {
      network.#build();
    } catch (error) {
      await network.end();
      throw error;
    }
    return network;
  }

  get #hosts(): Host[] {
    return [...this.devices.values(), this.router, this.engine, this.#internet];
  }

  device(name: string): Host {
    const host = this.devices.get(name);
    if (!host) throw new Error(`there is no device ${name} in this lab`);
    return host;
  }

  /** Of the device on its LAN. */
  addressOf(device: string): string {
    return this.#addresses.get(device)!;
  }

  #build(): void {
    this.#internet.ip('link add net type bridge', 'link set net up');
    plug(this.#internet, 'net', 'p-engine', this.engine, 'eth0', `${ENGINE_ADDRESS}/24`);
    plug(this.#internet, 'net', 'p-router', this.router, 'wan', `${this.#routerAddress}/24`);
    this.router.ip(
      'link add lan type bridge',
      `address add ${GATEWAY_ADDRESS}/24 dev lan`,
      'link set lan up',
    );
    this.router.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
    this.router.nft(
      'table ip router {',
      '  chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }',
      '  chain through {',
      '    type filter hook forward priority filter; policy drop;',
      '    ct state established,related accept',
      '    iifname "lan" oifname "wan" accept',
      // What a bridge passes on comes by here too where the module br_netfilter is loaded.
      '    iifname "lan" oifname "lan" accept',
      '  }',
      '  chain in { type filter hook input priority filter; iifname "wan" ct state new drop; }',
      '}',
    );
    for (const [index, host] of [...this.devices.values()].entries()) {
      const address = `${LAN}.${10 + index}`;
      plug(this.router, 'lan', `p-${host.name}`, host, 'eth0', `${address}/24`);
      host.ip(`route add default via ${GATEWAY_ADDRESS}`);
      this.#addresses.set(host.name, address);
    }
  }

  // -- Faults -------------------------------------------------------------------------------------------------------

  /** Pulls the device's cable out: both ends notice. */
  cut(device: string): void {
    this.router.ip(`link set p-${device} down`);
  }

  restore(device: string): void {
    this.router.ip(`link set p-${device} up`);
  }

  /** UDP disappears on its way, in both directions, as in networks that admit the web alone. */
  dropUdp({ only }: Fault = {}): void {
    this.#fault('no_udp', 'meta l4proto udp drop', only);
  }

  /** Everything disappears, and nobody is told. */
  silence({ only }: Fault = {}): void {
    this.#fault('silence', 'drop', only);
  }

  /** So many packets of a hundred disappear, in each direction. */
  lose(percent: number, { only }: Fault = {}): void {
    this.#fault('loss', `numgen random mod 100 < ${percent} drop`, only);
  }

  /** So much passes in each direction, the rest disappears, as where a line is full. */
  throttle(mebibytesPerSecond: number, { only }: Fault = {}): void {
    this.#fault(
      'throttle',
      `limit rate over ${mebibytesPerSecond} mbytes/second burst 256 kbytes drop`,
      only,
    );
  }

  /** Packets take so long between router and engine, in each direction; 0 ends it, and so does the end of the lab. */
  async delay(ms: number): Promise<void> {
    await this.#slow?.end();
    this.#slow = ms > 0 ? await slowLine(this.#internet, 'net', 'p-router', ms) : undefined;
  }
  #slow: SlowLine | undefined;

  /** Ends what packets met with on their way; cables, addresses and delays stay as they are. */
  heal(): void {
    this.router.nft('table ip faults', 'delete table ip faults');
  }

  #fault(chain: string, rule: string, only: string | undefined): void {
    const address = only === undefined ? undefined : this.addressOf(only);
    // Behind the NAT, so that answers have the device's address again; before everything that knows connections.
    const rules =
      address === undefined ? [rule] : [`ip saddr ${address} ${rule}`, `ip daddr ${address} ${rule}`];
    this.router.nft(
      'table ip faults',
      `table ip faults { chain ${chain} { type filter hook forward priority filter - 10; }; }`,
      `flush chain ip faults ${chain}`,
      ...rules.map((line) => `add rule ip faults ${chain} ${line}`),
    );
  }

  /** The device gets another address on its LAN; connections from the old one are dead. */
  readdress(device: string): void {
    const [old, address] = [this.addressOf(device), `${LAN}.${100 + this.#readdressed++}`];
    this.device(device).ip(
      `address del ${old}/24 dev eth0`,
      `address add ${address}/24 dev eth0`,
      `route replace default via ${GATEWAY_ADDRESS}`,
    );
    this.#addresses.set(device, address);
  }

  /** The router gets another address from its provider: to the engine, all devices are somewhere else. */
  readdressRouter(): void {
    const address = `${INTERNET}.${100 + this.#readdressed++}`;
    this.router.ip(`address del ${this.#routerAddress}/24 dev wan`, `address add ${address}/24 dev wan`);
    this.#routerAddress = address;
  }
  #readdressed = 0;

  async end(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.end()));
  }
}
