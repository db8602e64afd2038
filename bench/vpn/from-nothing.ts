/**
 * node from-nothing.ts COUNT ROUNDS, within a host of the lab: a service of COUNT connections, from nothing; and `wg setconf`
 * of the same peers. Prints milliseconds as JSON, in turns. A process of its own, because namespaces are a process's.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceRow } from '../../src/daemon/vpn/rows.ts';
import { wantedVpn } from '../../src/daemon/vpn/wanted.ts';
import { generateKeyPair } from '../../src/wg/keys.ts';
import { createNetwork } from '../../src/wg/network.ts';
import { linuxSystem } from '../../src/wg/system.linux.ts';
import { renderConf } from '../../src/wg/wg-tool.ts';
import { inTurns, timed } from '../measure.ts';
import { anyKey, connectionRow } from './filled.ts';

const [NAME, FLOOR, PORT] = ['bvpn0', 'floor0', 51_820];
const own = generateKeyPair();
const service: ServiceRow = {
  id: 'bench',
  name: 'bench',
  project: 'default',
  labels_json: '{}',
  endpoint: `192.0.2.1:${PORT}`,
  pool: '10.64.0.0/16',
  pool6: null,
  dns_json: '[]',
  local_subnets_json: '["192.168.5.0/24"]',
  masquerade: 1,
  mtu: 1_420,
  listen_port: PORT,
  interface: NAME,
  public_key: own.publicKey,
  given: 1,
  created_at: 0,
  created_by: 'bench',
  node: 'engine',
  revision: 0,
  told: null,
};

const run = async (count: number, rounds: number): Promise<void> => {
  const rows = Array.from({ length: count }, (_, index) => connectionRow('bench', index + 2, anyKey()));
  const network = createNetwork(linuxSystem(NAME));
  const keys = { privateKey: own.privateKey, presharedKeyOf: () => null };
  const wanted = () => wantedVpn(service, rows, keys, Date.now());
  const directory = mkdtempSync(join(tmpdir(), 'borealis-vpn-'));
  const file = join(directory, 'floor.conf');
  const { privateKey, peers } = wanted().interfaces![0]!;
  writeFileSync(file, renderConf({ privateKey, listenPort: PORT, peers: peers! }), { mode: 0o600 });

  const ip = (...args: string[]): void => void execFileSync('ip', args);
  const made = (name: string): void => {
    execFileSync('wireguard-go', [name], { stdio: 'ignore' });
    ip('link', 'set', name, 'up');
  };
  const away = async (name: string): Promise<void> => {
    ip('link', 'delete', name);
    while (spawnSync('wg', ['show', name]).status === 0) await new Promise((next) => setTimeout(next, 10));
  };
  const floor = async (): Promise<number> => {
    made(FLOOR);
    const took = await timed(() => execFileSync('wg', ['setconf', FLOOR, file]));
    await away(FLOOR);
    return took;
  };
  const ours = async (): Promise<number> => {
    const took = await timed(() => network.apply(wanted()));
    const there = execFileSync('wg', ['show', NAME, 'peers']).toString().trim().split('\n').length;
    if (there !== count) throw new Error(`${there} peers of ${count} are there`);
    await network.teardown({ interfaces: [NAME], firewall: true });
    return took;
  };
  await ours();
  await floor();
  process.stdout.write(`${JSON.stringify(await inTurns(rounds, { ours, floor }))}\n`);
  rmSync(directory, { recursive: true });
};

await run(Number(process.argv[2]), Number(process.argv[3]));
