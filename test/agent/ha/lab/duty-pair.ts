/** Two nodes of a pair on one Ethernet of the lab. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { SHORTEST_LEASE } from '../../../../src/ha/voter.ts';
import type { HaDriver, HostedHa } from '../../../../src/protocol/bastion.ts';
import { type LanNode, makeLan } from '../../../ha/lab/lan.ts';
import { NORTH, SOUTH } from '../pair.ts';
import type { NodeStart, Order, Told } from './duty-node.ts';

const PROGRAM = fileURLToPath(new URL('./duty-node.ts', import.meta.url));
const PORT = 51_899;

export class DutyNode {
  readonly lan: LanNode;
  readonly #start: NodeStart;
  #child: ChildProcess | undefined;
  #told: Told | undefined;

  constructor(lan: LanNode, start: NodeStart) {
    this.lan = lan;
    this.#start = start;
  }

  begin(): void {
    this.#told = undefined;
    const [own, ...args] = this.lan.machine.argv(process.execPath, PROGRAM, JSON.stringify(this.#start));
    const child = spawn(own, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => undefined); // it was killed, as asked
    createInterface(child.stdout).on('line', (line) => {
      this.#told = JSON.parse(line) as Told;
    });
    this.#child = child;
  }

  order(order: Order): void {
    this.#child!.stdin!.write(`${order}\n`);
  }

  async close(): Promise<void> {
    const ended = once(this.#child!, 'close');
    this.order('close');
    await ended;
  }

  /** In that machine. */
  kill(...pids: number[]): void {
    this.lan.machine.run('kill', '-9', ...pids.map(String));
  }

  get told(): Told | undefined {
    return this.#told;
  }

  get agent(): number {
    return this.#told!.pid;
  }

  get directory(): string {
    return this.#start.directory;
  }

  /** Of the keepalived of this node; `which`: of the process that has the files, or of the one that speaks VRRP. */
  keepalived(which: 'keepalived' | 'vrrp'): number {
    return Number(readFileSync(join(this.directory, `${which}.pid`), 'utf8'));
  }

  get has(): boolean {
    return this.lan.has('192.0.2.10');
  }

  get leftBehind(): { processes: string; address: boolean; files: boolean } {
    // Who collects orphans of that machine takes its time: what has ended is not left behind.
    const processes = this.lan.machine
      .run('ps', '-e', '-o', 'stat=,comm=')
      .split('\n')
      .flatMap((line) => /^[^Z\s]\S* +(keepalived.*)$/.exec(line)?.[1] ?? []);
    return { processes: processes.join(), address: this.has, files: existsSync(this.directory) };
  }
}

export const makeDutyPair = async (driver: HaDriver): Promise<{ north: DutyNode; south: DutyNode }> => {
  const root = mkdtempSync(join(tmpdir(), 'borealis-duty-'));
  const lan = await makeLan();
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const key = randomBytes(32).toString('base64url');
  const node = async (number: 1 | 2): Promise<DutyNode> => {
    const ha: HostedHa = {
      address: '192.0.2.10/24',
      interface: null,
      self: number === 1 ? NORTH : SOUTH,
      other: number === 1 ? SOUTH : NORTH,
      other_endpoint: `192.0.2.${3 - number}:${PORT}`,
      port: PORT,
      key,
      preferred: number === 1,
      lease: SHORTEST_LEASE,
      driver,
      hook: null,
      router_id: 51,
    };
    const directory = join(root, `${number}`);
    return new DutyNode(await lan.join(number), { ha, directory, switches: `${directory}.json` });
  };
  return { north: await node(1), south: await node(2) };
};

/** The preferred one a moment earlier, as machines that begin at once never do. */
export const beginBoth = async (north: DutyNode, south: DutyNode): Promise<void> => {
  north.begin();
  await expect.poll(() => north.told, { timeout: 30_000 }).toBeDefined();
  south.begin();
};

export const has = (node: DutyNode, ms = 30_000) =>
  expect.poll(() => node.has && node.told?.isHolder, { timeout: ms, interval: 50 }).toBe(true);
