/**
 * The pair as one makes it without Borealis: VRRP by keepalived with its defaults, and plain WireGuard with the same key and
 * the same clients on both nodes. What failover costs here is what ours is measured against.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import type { Host } from '../host.ts';
import { LabNetwork } from '../network.ts';
import { onlyChild } from '../proc.ts';
import { Process } from '../processes.ts';
import {
  Bastions,
  FLOATING,
  INNER_NETWORK,
  MACHINES,
  NODES,
  type NodeName,
  other,
  POOL,
  PORT,
  SITE_NETWORK,
} from './bastions.ts';
import { now } from './observer.ts';

/** Whoever had the address last keeps it when the other one returns, as with ours; all else as keepalived has it by itself. */
const VRRP = `
global_defs {
  router_id bastion
  notification_email_from bastion@bastion
}
vrrp_instance floating {
  state BACKUP
  nopreempt
  interface eth0
  virtual_router_id 50
  priority 100
  advert_int 1
  virtual_ipaddress { ${FLOATING}/24 dev eth0 }
}
`;

export class KeepalivedPair {
  readonly bastions: Bastions;
  readonly #network: LabNetwork;
  readonly #directory: string;
  readonly #running = new Map<NodeName, Process>();

  private constructor(network: LabNetwork, bastions: Bastions, directory: string) {
    this.#network = network;
    this.bastions = bastions;
    this.#directory = directory;
  }

  /** Resolves when the client is served, by `north`. */
  static async start(): Promise<KeepalivedPair> {
    const network = await LabNetwork.start(MACHINES);
    const directory = mkdtempSync(join(tmpdir(), 'borealis-keepalived-'));
    let pair: KeepalivedPair | undefined;
    try {
      pair = new KeepalivedPair(network, await Bastions.build(network), directory);
      pair.#wireguard();
      await pair.#begin();
      return pair;
    } catch (error) {
      await pair?.end();
      await network.end();
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  #wireguard(): void {
    const [server, client, site] = [generateKeyPair(), generateKeyPair(), generateKeyPair()];
    const peer = (key: string, allowed: string, more = ''): string =>
      `[Peer]\nPublicKey = ${key}\nAllowedIPs = ${allowed}\n${more}`;
    const networks = [POOL, INNER_NETWORK, SITE_NETWORK].join(', ');
    for (const name of NODES) {
      const host = this.bastions.node(name);
      host.run('wireguard-go', 'wg0');
      host.feed(
        `[Interface]\nPrivateKey = ${server.privateKey}\nListenPort = ${PORT}\n${peer(client.publicKey, '10.8.0.2/32')}${peer(site.publicKey, `10.8.0.3/32, ${SITE_NETWORK}`)}`,
        'sh',
        '-c',
        'cat | wg setconf wg0 /dev/stdin',
      );
      host.ip('address add 10.8.0.1/24 dev wg0', 'link set wg0 up', `route add ${SITE_NETWORK} dev wg0`);
      host.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
      host.nft(
        'table ip nat {',
        '  chain out { type nat hook postrouting priority srcnat; oifname "eth1" masquerade; }',
        '}',
      );
    }
    const connect = (host: Host, key: string, address: string, allowed: string): void => {
      const file = join(this.#directory, `${host.name}.conf`);
      const own = `[Interface]\nPrivateKey = ${key}\nAddress = ${address}/32\n`;
      const more = `Endpoint = ${FLOATING}:${PORT}\nPersistentKeepalive = 25\n`;
      writeFileSync(file, own + peer(server.publicKey, allowed, more), { mode: 0o600 });
      host.run('wg-quick', 'up', file);
    };
    connect(this.bastions.client, client.privateKey, '10.8.0.2', networks);
    connect(this.bastions.site, site.privateKey, '10.8.0.3', [POOL, INNER_NETWORK].join(', '));
  }

  async #begin(): Promise<void> {
    const { watch, pings } = this.bastions;
    writeFileSync(join(this.#directory, 'keepalived.conf'), VRRP, { mode: 0o600 });
    await this.run('north');
    await watch.alone('north');
    await this.run('south');
    await pings.flow(0);
  }

  /** Resolves when it takes part. */
  async run(name: NodeName): Promise<void> {
    // Left by the one that was killed; a number is soon somebody else's where there are few processes.
    this.bastions.node(name).run('sh', '-c', 'rm -f /run/keepalived.pid /run/vrrp.pid');
    const file = join(this.#directory, 'keepalived.conf');
    const args = ['--dont-fork', '--vrrp', '--log-console', '--use-file', file];
    const { enter } = this.bastions.node(name);
    const running = new Process('keepalived', args, {}, { within: enter });
    this.#running.set(name, running);
    await running.until(({ stdout, stderr }) => (stdout + stderr).includes('BACKUP STATE'), 'it takes part');
  }

  /** With what it started itself; the address stays on the interface. */
  async kill(name: NodeName): Promise<void> {
    const running = this.#running.get(name)!;
    // The first process starts the one that speaks VRRP again, if it can.
    const speaker = onlyChild(running.pid!);
    const killed = running.kill('SIGKILL');
    if (speaker !== undefined) process.kill(speaker, 'SIGKILL');
    await killed;
  }

  /** After `kill` or `stop`: begins as what has nothing. */
  async restart(name: NodeName): Promise<void> {
    const host = this.bastions.node(name);
    if (host.run('ip', '-brief', 'address').includes(`${FLOATING}/`))
      host.ip(`address del ${FLOATING}/24 dev eth0`);
    await this.run(name);
  }

  /** Ends in order, which hands the address over at once. */
  async stop(name: NodeName): Promise<void> {
    await this.#running.get(name)!.kill('SIGTERM');
  }

  freeze(name: NodeName): void {
    this.bastions.node(name).freeze();
  }

  thaw(name: NodeName): void {
    this.bastions.node(name).thaw();
  }

  /**
   * As at the beginning: no sessions but with the holder. A node that lost the address goes on sending to the client, from
   * its own address, and the client turns to it there; nothing in such a pair keeps it from that.
   */
  async reset(): Promise<void> {
    const { watch, client, site, pings } = this.bastions;
    await watch.anyAlone();
    for (const host of NODES.map((name) => this.bastions.node(name))) {
      host.ip('link set wg0 down', 'link set wg0 up', `route add ${SITE_NETWORK} dev wg0`);
    }
    for (const host of [client, site]) {
      const file = join(this.#directory, `${host.name}.conf`);
      host.run('wg-quick', 'down', file);
      host.ip('neigh flush all');
      host.run('wg-quick', 'up', file);
    }
    await pings.flow(now());
  }

  log(name: NodeName): string {
    const running = this.#running.get(name)!;
    return running.stdout + running.stderr;
  }

  holder(): NodeName {
    return this.bastions.watch.holders.includes('north') ? 'north' : other('north');
  }

  async end(): Promise<void> {
    await this.bastions.end();
    await this.#network.end();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
