/** One Ethernet: a host with the bridge, and machines on it that run node.ts. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { Host } from '../../lab/host.ts';
import { onlyChild } from '../../lab/proc.ts';
import type { Request } from './node.ts';

const PROGRAM = fileURLToPath(new URL('./node.ts', import.meta.url));

export class Refusal extends Error {
  readonly code: string;
  readonly next: string;
  constructor({ code, message, next }: { code: string; message: string; next: string }) {
    super(message);
    this.code = code;
    this.next = next;
  }
}

/** Floating: 192.0.2.10 and 2001:db8::10. */
export const FLOAT = { address: '192.0.2.10/24', interfaceName: null } as const;
export const FLOAT6 = { address: '2001:db8::10/64', interfaceName: null } as const;

/** Has .100 and ::100 itself. */
export const makeLan = async (): Promise<{ host: Host; join: (number: number) => Promise<LanNode> }> => {
  const host = await Host.start('lan');
  onTestFinished(() => host.end());
  host.ip(
    'link add br0 type bridge',
    'address add 192.0.2.100/24 dev br0',
    'address add 2001:db8::100/64 dev br0 nodad',
    'link set br0 up',
  );
  const join = async (number: number): Promise<LanNode> => {
    const machine = await Host.start(`n${number}`);
    const node = new LanNode(machine);
    onTestFinished(() => node.end());
    // ip(8) of one namespace names the other by a process; the lab's hosts number theirs each on their own.
    host.runInNetwork(
      'ip',
      ...`link add p${number} type veth peer name eth0 netns ${machine.holder}`.split(' '),
    );
    host.ip(`link set p${number} master br0 up`);
    machine.ip(
      `address add 192.0.2.${number}/24 dev eth0`,
      `address add 2001:db8::${number}/64 dev eth0 nodad`,
      'link set eth0 up',
    );
    return node;
  };
  return { host, join };
};

export class LanNode {
  readonly machine: Host;
  #child: ChildProcessWithoutNullStreams | undefined;
  #lines: AsyncIterator<string> | undefined;

  constructor(machine: Host) {
    this.machine = machine;
  }

  /** `prefix`: put before the program's command line. */
  start(prefix: readonly string[] = []): void {
    const [own, ...args] = this.machine.argv('env', ...prefix, process.execPath, PROGRAM);
    this.#child = spawn(own, args);
    this.#child.stderr.pipe(process.stderr);
    this.#child.stdin.on('error', () => undefined); // it was killed, as asked
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async ask<T>(request: Request): Promise<T> {
    if (!this.#child) this.start();
    this.#child!.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines!.next();
    if (done) throw new Error('the node ended');
    const reply = JSON.parse(value) as { value: T } | { error: ConstructorParameters<typeof Refusal>[0] };
    if ('error' in reply) throw new Refusal(reply.error);
    return reply.value;
  }

  /** To the program itself: nsenter(1) is its parent, and stands still with it, so it has to go on as well. */
  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGCONT') process.kill(this.#child!.pid!, signal);
    process.kill(onlyChild(this.#child!.pid!)!, signal);
  }

  addresses(): string {
    return this.machine.run('ip', '-o', 'address', 'show', 'dev', 'eth0');
  }

  has(address: string): boolean {
    return this.addresses().includes(` ${address}/`);
  }

  get hardwareAddress(): string {
    return this.machine.run('cat', '/sys/class/net/eth0/address').trim();
  }

  /** Kills the program. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    process.kill(onlyChild(child.pid!)!, 'SIGKILL');
    await ended;
  }

  async end(): Promise<void> {
    // What runs in there ends with it, also what stands still.
    await this.machine.end();
  }
}
