/**
 * A machine that remembers what was done to it: links, addresses, routes, WireGuard's devices and nftables, by either
 * driver. It knows just what this room uses, fails on an unexpected argument, and can die before any of its changes.
 */
import type { CommandResult, CommandRunner } from '../../src/sys/command.ts';
import { CommandError } from '../../src/sys/command.ts';
import { addressWithPrefix } from '../../src/wg/cidr.ts';
import { publicKeyOf } from '../../src/wg/keys.ts';
import type { WgSystem } from '../../src/wg/system.ts';
import { SimulatedNft } from './simulated-nft.ts';

interface Peer {
  preshared: string;
  endpoint: string;
  keepalive: number;
  allowed: Set<string>;
  /** How often it was named in a change: 0 is a session that lives on. */
  touched: number;
}

interface Link {
  readonly kind: 'wireguard' | 'tun' | 'veth';
  readonly group: string;
  up: boolean;
  mtu: number;
  readonly addresses: Set<string>;
  readonly routes: Map<string, string>;
  privateKey: string;
  port: number;
  readonly peers: Map<string, Peer>;
  /** Of wireguard-go. */
  readonly pid?: number;
}

/** What kills the program: no code of ours may catch it and go on. */
export class Killed extends Error {}

const NONE = '0'.repeat(64);
const hexToBase64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

export class Simulation {
  readonly links = new Map<string, Link>();
  readonly nft = new SimulatedNft();
  readonly #module: boolean;
  /** Marks of the processes by number. */
  readonly #processes = new Map<number, string | undefined>();
  #now = 0;
  /** Changes left until it is killed. */
  life = Number.POSITIVE_INFINITY;

  constructor({ module }: { readonly module: boolean }) {
    this.#module = module;
  }

  addLink(name: string, rest: Partial<Link> & Pick<Link, 'kind'>): Link {
    const link = {
      group: 'default',
      up: false,
      mtu: 1_420,
      addresses: new Set<string>(),
      routes: new Map<string, string>(),
      privateKey: NONE,
      port: 0,
      peers: new Map(),
      ...rest,
    };
    this.links.set(name, link);
    return link;
  }

  /** As the kernel does with processes whose link is gone. */
  endProcesses(): void {
    this.#processes.clear();
  }

  get system(): WgSystem {
    return {
      run: this.#run,
      table: 'borealis',
      ask: async (name, request) => this.#ask(name, request),
      processes: async (name) => [...this.#processes].filter(([, mark]) => mark === name).map(([pid]) => pid),
      kill: (pid) => void this.#processes.delete(pid),
      hasLink: async (name) => this.links.has(name),
      hasTable: async () => this.nft.tables.has('borealis'),
      changeElements: async (changes) => {
        this.#change();
        this.nft.change('borealis', changes);
      },
      removeSocket: async () => undefined,
      udpPortHolder: async (port) => {
        const link = [...this.links.values()].find((of) => of.up && of.port === port && of.kind !== 'veth');
        return link ? { pid: link.pid ?? null, command: null } : null;
      },
      now: () => this.#now,
      sleep: async (ms) => {
        this.#now += ms;
      },
    };
  }

  #change(): void {
    this.life -= 1;
    if (this.life < 0) throw new Killed();
  }

  readonly #run: CommandRunner = async (file, args, { input, env }) => {
    const words = args.join(' ');
    const done = (stdout = ''): CommandResult => ({ exitCode: 0, signal: null, stdout, stderr: '' });
    const failed = (stderr: string): CommandResult => ({ exitCode: 1, signal: null, stdout: '', stderr });

    const [, shown] = /^-json -details address show dev (\w+)$/.exec(words) ?? [];
    if (file === 'ip' && shown) {
      const link = this.links.get(shown);
      return link
        ? done(JSON.stringify([showLink(shown, link)]))
        : failed(`Device "${shown}" does not exist.`);
    }
    const [, family, of, proto] = /^-([46]) -json route show dev (\w+) proto (\d+)$/.exec(words) ?? [];
    if (file === 'ip' && of) {
      const routes = [...this.#link(of).routes]
        .filter(([dst, by]) => by === proto && dst.includes(':') === (family === '6'))
        .map(([dst]) => ({ dst: dst.replace(/\/(32|128)$/, '') }));
      return done(JSON.stringify(routes));
    }
    if (file === 'nft' && words === '-j list table inet borealis') {
      const listed = this.nft.list('borealis');
      return listed === undefined ? failed('Error: No such file or directory') : done(listed);
    }
    const [, dumped] = /^show (\w+) dump$/.exec(words) ?? [];
    if (file === 'wg' && dumped) return done(dump(this.#link(dumped)));

    this.#change();
    const [, added, group] = /^link add dev (\w+) group (\d+) type wireguard$/.exec(words) ?? [];
    if (file === 'ip' && added) {
      if (!this.#module) return failed('Error: Unknown device type.');
      if (this.links.has(added)) return failed('RTNETLINK answers: File exists');
      this.addLink(added, { kind: 'wireguard', group: group! });
      return done();
    }
    const [, deleted] = /^link delete dev (\w+)$/.exec(words) ?? [];
    if (file === 'ip' && deleted) {
      const link = this.links.get(deleted);
      if (!link) return failed(`Cannot find device "${deleted}"`);
      if (link.pid !== undefined) this.#processes.delete(link.pid);
      this.links.delete(deleted);
      return done();
    }
    if (file === 'ip' && words === '-batch -') {
      for (const line of String(input).trimEnd().split('\n')) this.#ipLine(line);
      return done();
    }
    if (file === 'wireguard-go' && args.length === 1) {
      if (input !== undefined || this.links.has(args[0]!)) throw new Error('unexpected wireguard-go');
      const pid = 100 + this.#processes.size + this.links.size;
      this.#processes.set(pid, env?.BOREALIS_WG_INTERFACE);
      this.addLink(args[0]!, { kind: 'tun', pid });
      return done();
    }
    if (file === 'nft' && words === '-f -') {
      this.nft.load(String(input));
      return done();
    }
    if (file === 'nft' && words === 'delete table inet borealis') {
      return this.nft.tables.delete('borealis') ? done() : failed('Error: No such file or directory');
    }
    if (file === 'sh' && args[1] === 'cat | wg addconf "$1" /dev/stdin') {
      addConf(this.#link(args[3]!), String(input));
      return done();
    }
    if (file === 'wg' && args[0] === 'set') {
      for (let at = 2; at < args.length; at += 3) {
        if (args[at] !== 'peer' || args[at + 2] !== 'remove') throw new Error(`unexpected: wg ${words}`);
        this.#link(args[1]!).peers.delete(args[at + 1]!);
      }
      return done();
    }
    const result = failed('unexpected');
    throw new CommandError('INTERNAL', `unexpected: ${file} ${words}`, [file, ...args], result);
  };

  #link(name: string): Link {
    const link = this.links.get(name);
    if (!link) throw new Error(`there is no link ${name}`);
    return link;
  }

  #ipLine(line: string): void {
    const name = /(?<= dev )\w+/.exec(line)?.[0] ?? '';
    const link = this.#link(name);
    const does = line.replace(` dev ${name}`, '');
    const [, verb, address] = /^address (add|del) (\S+)(?: nodad)?$/.exec(does) ?? [];
    const [, way, route, proto] = /^route (add|del) (\S+) proto (\d+)$/.exec(does) ?? [];
    const [, mtu] = /^link set mtu (\d+)$/.exec(does) ?? [];
    if (address) {
      if (link.addresses.has(address) === (verb === 'add')) throw new Error(`unexpected: ${line}`);
      if (verb === 'add') link.addresses.add(address);
      else link.addresses.delete(address);
    } else if (route) {
      if (way === 'add' && !link.up) throw new Error(`the link is down: ${line}`);
      if (link.routes.has(route) === (way === 'add')) throw new Error(`unexpected: ${line}`);
      if (way === 'add') link.routes.set(route, proto!);
      else link.routes.delete(route);
    } else if (mtu) link.mtu = Number(mtu);
    else if (does === 'link set up') link.up = true;
    else throw new Error(`unexpected: ip ${line}`);
  }

  #ask(name: string, request: string): string | null {
    const link = this.links.get(name);
    if (link?.kind !== 'tun') return null;
    if (request === 'get=1\n\n') return uapiGet(link);
    this.#change();
    uapiSet(link, request);
    return 'errno=0\n\n';
  }
}

const showLink = (name: string, { kind, group, up, mtu, addresses }: Link) => ({
  ifname: name,
  flags: up ? ['NOARP', 'UP'] : ['NOARP'],
  mtu,
  group,
  linkinfo: { info_kind: kind },
  addr_info: [
    ...[...addresses].map((address) => ({
      local: address.split('/')[0],
      prefixlen: Number(address.split('/')[1]),
      scope: 'global',
    })),
    ...(up ? [{ local: 'fe80::1', prefixlen: 64, scope: 'link' }] : []),
  ],
});

const newPeer = (): Peer => ({ preshared: NONE, endpoint: '', keepalive: 0, allowed: new Set(), touched: 0 });

const peerOf = (link: Link, publicKey: string): Peer => {
  const peer = link.peers.get(publicKey) ?? newPeer();
  peer.touched += 1;
  link.peers.set(publicKey, peer);
  return peer;
};

/** WireGuard gives an address to whoever asked last. */
const allow = (link: Link, peer: Peer, cidr: string): void => {
  for (const other of link.peers.values()) other.allowed.delete(cidr);
  peer.allowed.add(addressWithPrefix(cidr));
};

const uapiSet = (link: Link, request: string): void => {
  const [first, ...lines] = request.trimEnd().split('\n');
  if (first !== 'set=1' || !request.endsWith('\n\n')) throw new Error(`unexpected: ${first}`);
  let peer = newPeer();
  let publicKey = '';
  for (const line of lines) {
    const [name, value = ''] = line.split('=') as [string, string];
    if (name === 'private_key') link.privateKey = value;
    else if (name === 'listen_port') link.port = Number(value);
    else if (name === 'public_key') {
      publicKey = hexToBase64(value);
      peer = peerOf(link, publicKey);
    } else if (name === 'remove') link.peers.delete(publicKey);
    else if (name === 'preshared_key') peer.preshared = value;
    else if (name === 'endpoint') peer.endpoint = value;
    else if (name === 'persistent_keepalive_interval') peer.keepalive = Number(value);
    else if (name === 'replace_allowed_ips') peer.allowed.clear();
    else if (name === 'allowed_ip') allow(link, peer, value);
    else throw new Error(`unexpected: ${line}`);
  }
};

const uapiGet = (link: Link): string => {
  const lines = link.privateKey === NONE ? [] : [`private_key=${link.privateKey}`];
  if (link.port) lines.push(`listen_port=${link.port}`);
  for (const [publicKey, peer] of link.peers) {
    lines.push(`public_key=${Buffer.from(publicKey, 'base64').toString('hex')}`);
    lines.push(`preshared_key=${peer.preshared}`, `persistent_keepalive_interval=${peer.keepalive}`);
    if (peer.endpoint) lines.push(`endpoint=${peer.endpoint}`);
    lines.push(...[...peer.allowed].reverse().map((cidr) => `allowed_ip=${cidr}`));
  }
  return `${[...lines, 'errno=0'].join('\n')}\n\n`;
};

const addConf = (link: Link, conf: string): void => {
  let peer: Peer | undefined;
  for (const line of conf.trimEnd().split('\n')) {
    const [name, value = ''] = line.split(' = ') as [string, string];
    const hex = () => Buffer.from(value, 'base64').toString('hex');
    if (name === '[Interface]' || name === '[Peer]') continue;
    if (name === 'PrivateKey') link.privateKey = hex();
    else if (name === 'ListenPort') link.port = Number(value);
    else if (name === 'PublicKey') {
      peer = peerOf(link, value);
      peer.allowed.clear();
    } else if (!peer) throw new Error(`unexpected: ${line}`);
    else if (name === 'PresharedKey') peer.preshared = hex();
    else if (name === 'Endpoint') peer.endpoint = value;
    else if (name === 'PersistentKeepalive') peer.keepalive = value === 'off' ? 0 : Number(value);
    else if (name === 'AllowedIPs') for (const cidr of value.split(', ')) allow(link, peer, cidr);
    else throw new Error(`unexpected: ${line}`);
  }
};

const dump = (link: Link): string => {
  const none = (text: string) => text || '(none)';
  const key = link.privateKey === NONE ? '' : hexToBase64(link.privateKey);
  const lines = [[none(key), key ? publicKeyOf(key) : '(none)', link.port, 'off'].join('\t')];
  for (const [publicKey, { preshared, endpoint, allowed, keepalive }] of link.peers) {
    const psk = preshared === NONE ? '(none)' : hexToBase64(preshared);
    const ips = none([...allowed].reverse().join(','));
    lines.push([publicKey, psk, none(endpoint), ips, 0, 0, 0, keepalive || 'off'].join('\t'));
  }
  return `${lines.join('\n')}\n`;
};
