/** The same tunnel as a person makes it with ip, wg and nft, in one script: the floor of `tunnel connect`. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKeyPair } from '../../src/wg/keys.ts';
import type { Host } from '../../test/lab/host.ts';
import { ENGINE_ADDRESS } from '../../test/lab/network.ts';

const NAME = 'byhand0';
const PORT = 31_000;
const ADDRESS = { engine: '10.99.0.1', device: '10.99.0.2' };

/** For a shell: connects, says a byte, and ends when one has come back. */
export const firstByte = (address: string, port: number): string =>
  `bash -c 'exec 3<>/dev/tcp/${address}/${port} && printf x >&3 && head -c 1 <&3 >/dev/null'`;

/** Milliseconds of a shell script, from fork to exit. */
export const timeOf = (script: string, env: Record<string, string> = {}): number => {
  const begun = performance.now();
  const { status, stderr } = spawnSync('sh', ['-ec', script], {
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
  });
  const took = performance.now() - begun;
  if (status !== 0) throw new Error(`a script ended with ${status}: ${stderr}`);
  return took;
};

/** What is said to a shell on that machine. */
export const on = (host: Host, script: string): string =>
  host
    .argv('sh', '-ec', script)
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    .join(' ');

const table = (peer: string, hook: string, port: string): string => `
table inet ${NAME} {
  chain input { type filter hook input priority 0; policy accept;
    iifname "${NAME}" ct state established accept
    iifname "${NAME}" ip saddr ${peer} tcp dport ${hook === 'input' ? port : '0'} accept
    iifname "${NAME}" drop; }
  chain output { type filter hook output priority 0; policy accept;
    oifname "${NAME}" ct state established accept
    oifname "${NAME}" ip daddr ${peer} tcp dport ${hook === 'output' ? port : '0'} accept
    oifname "${NAME}" drop; }
  chain forward { type filter hook forward priority 0; policy accept; iifname "${NAME}" drop; oifname "${NAME}" drop; }
}`;

export class ByHand {
  readonly #up: string;
  readonly #down: string;

  /** Keys and rules lie ready in files, as they do for a person who has done it before. */
  constructor(engine: Host, device: Host, directory: string, port: number) {
    const [ours, theirs] = [generateKeyPair(), generateKeyPair()];
    const file = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text, { mode: 0o600 });
      return join(directory, name);
    };
    const end = (of: 'engine' | 'device', key: string, peer: string, rules: string): string => {
      const address = of === 'engine' ? `${ADDRESS.engine}/16` : `${ADDRESS.device}/32`;
      const route = of === 'engine' ? '' : `ip route add ${ADDRESS.engine}/32 dev ${NAME}\n`;
      return `wireguard-go ${NAME} >/dev/null
wg set ${NAME} private-key ${key} ${peer}
ip address add ${address} dev ${NAME}
ip link set ${NAME} up
${route}nft -f ${rules}`;
    };
    const engineEnd = end(
      'engine',
      file('engine.key', ours.privateKey),
      `listen-port ${PORT} peer ${theirs.publicKey} allowed-ips ${ADDRESS.device}/32`,
      file('engine.nft', table(ADDRESS.device, 'output', String(port))),
    );
    const deviceEnd = end(
      'device',
      file('device.key', theirs.privateKey),
      `peer ${ours.publicKey} allowed-ips ${ADDRESS.engine}/32 endpoint ${ENGINE_ADDRESS}:${PORT} persistent-keepalive 25`,
      file('device.nft', table(ADDRESS.engine, 'input', String(port))),
    );
    this.#up = [
      on(engine, engineEnd),
      on(device, deviceEnd),
      on(engine, firstByte(ADDRESS.device, port)),
    ].join('\n');
    const away = `ip link delete ${NAME}\nnft delete table inet ${NAME}\nrm -f /run/wireguard/${NAME}.sock`;
    this.#down = [on(engine, away), on(device, away)].join('\n');
  }

  /** Milliseconds from nothing to the first byte through it. */
  connect(): number {
    return timeOf(this.#up);
  }

  disconnect(): void {
    timeOf(this.#down);
  }
}
