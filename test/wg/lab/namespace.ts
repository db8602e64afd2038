/** A machine of the lab on which the code of src/wg is run, a process for as long as nothing kills it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Step } from '../../../src/wg/plan.ts';
import type { Amendment, Presence, WantedNetwork } from '../../../src/wg/types.ts';
import { Host as Machine } from '../../lab/host.ts';
import { commandInside, type Inside } from '../../lab/inside.ts';
import type { Request } from './host.ts';

const HOST = fileURLToPath(new URL('./host.ts', import.meta.url));

/** One more than any other's. */
const uniqueName = (): string => `bw${randomBytes(5).toString('hex')}`;

export class Refusal extends Error {
  readonly code: string;
  readonly next: string;
  constructor({ code, message, next }: { code: string; message: string; next: string }) {
    super(message);
    this.code = code;
    this.next = next;
  }
}

class HostEnded extends Error {
  readonly signal: NodeJS.Signals | null;
  constructor(signal: NodeJS.Signals | null, errors: string) {
    super(`the host ended by ${signal ?? 'itself'}: ${errors}`);
    this.signal = signal;
  }
}

export interface Seen {
  readonly interfaces: Readonly<Record<string, Presence>>;
  readonly table: string | null;
}

export class Namespace implements Inside {
  readonly #machine: Machine;
  /** Dozens of processes run the same program here: most of the time of each would be its compilation. */
  readonly #compiled = mkdtempSync(join(tmpdir(), 'borealis-compiled-'));
  #host: Host | undefined;

  private constructor(machine: Machine) {
    this.#machine = machine;
  }

  static async start(): Promise<Namespace> {
    const namespace = new Namespace(await Machine.start('wg'));
    // Link-local addresses come when the kernel has asked the network for them: in the midst of what is compared.
    namespace.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode');
    return namespace;
  }

  argv(file: string, ...args: string[]): [string, ...string[]] {
    return this.#machine.argv(file, ...args);
  }

  get holder(): number {
    return this.#machine.holder;
  }

  /** In its network, but with the process numbers of the caller. */
  runInNetwork(file: string, ...args: string[]): string {
    return this.#machine.runInNetwork(file, ...args);
  }

  /** Runs a command in it to its end. */
  run(file: string, ...args: string[]): string {
    return commandInside(this, file, args);
  }

  feed(input: string, file: string, ...args: string[]): string {
    return commandInside(this, file, args, input);
  }

  /** A name for an interface of this namespace. */
  interfaceName(): string {
    return uniqueName();
  }

  apply(wanted: WantedNetwork): Promise<Step[]> {
    return this.#ask({ do: 'apply', wanted });
  }

  async amend(amendment: Amendment): Promise<void> {
    await this.#ask({ do: 'amend', amendment });
  }

  async teardown(interfaces: readonly string[], firewall = true): Promise<void> {
    await this.#ask({ do: 'teardown', interfaces, firewall });
  }

  async observe(...interfaces: string[]): Promise<Seen> {
    return this.#ask({ do: 'observe', interfaces });
  }

  /** A process of its own; resolves to true when it was killed on the way, to false when it came to its end. */
  async killed(request: Request): Promise<boolean> {
    const host = new Host(this.#machine, this.#compiled);
    try {
      await host.ask(request);
      return false;
    } catch (error) {
      if (error instanceof HostEnded && error.signal === 'SIGKILL') return true;
      throw error;
    } finally {
      await host.end();
    }
  }

  /** One whose programs are run by `prefix`, or with another environment, once. */
  async askThrough(
    prefix: readonly string[],
    request: Request,
    env?: Record<string, string>,
  ): Promise<unknown> {
    const host = new Host(this.#machine, this.#compiled, prefix, env);
    try {
      return await host.ask(request);
    } finally {
      await host.end();
    }
  }

  /** All that an apply could leave behind, as text. */
  snapshot(): string {
    const show =
      'ip -details address; ip -4 route show table all; ip -6 route show table all; nft list ruleset';
    const shown = this.run('sh', '-ec', show);
    const sockets = this.run('ls', '/var/run/wireguard');
    // Numbers of links, and of routes that the kernel makes for them, count on.
    const text = [shown, sockets, ...this.processes().map(String)].join('\n--\n');
    return text.replace(/^\d+: /gm, '').replace(/valid_lft.*|(?<=expires )\S+/g, '');
  }

  /** Processes of wireguard-go that live in it. */
  processes(): number[] {
    const namespace = readlinkSync(`/proc/${this.holder}/ns/net`);
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .filter((pid) => {
        try {
          return (
            readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'wireguard-go' &&
            readlinkSync(`/proc/${pid}/ns/net`) === namespace
          );
        } catch {
          return false; // it has ended
        }
      })
      .map(Number);
  }

  async dispose(): Promise<void> {
    await this.#host?.end();
    await this.#machine.end();
    rmSync(this.#compiled, { recursive: true, force: true });
  }

  async #ask<T>(request: Request): Promise<T> {
    this.#host ??= new Host(this.#machine, this.#compiled);
    return (await this.#host.ask(request)) as T;
  }
}

/** The program in host.ts, alive. */
class Host {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<NodeJS.Signals | null>;
  #output = '';
  #errors = '';

  constructor(
    machine: Machine,
    compiled: string,
    prefix: readonly string[] = [],
    env: Record<string, string> = {},
  ) {
    // Only for what runs in there: it may be a path on which little is to be found.
    const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const [own, ...args] = machine.argv('env', ...assignments, ...prefix, process.execPath, HOST);
    this.#child = spawn(own, args, { env: { ...process.env, NODE_COMPILE_CACHE: compiled } });
    this.#ended = new Promise((resolve) => this.#child.once('close', (_, signal) => resolve(signal)));
    this.#child.stdin.on('error', () => undefined); // it was killed, as asked
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#errors += chunk;
    });
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#output += chunk;
    });
  }

  /** One at a time. */
  async ask(request: Request): Promise<unknown> {
    this.#output = '';
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    while (!this.#output.endsWith('\n')) {
      const more = new Promise<undefined>((resolve) =>
        this.#child.stdout.once('data', () => resolve(undefined)),
      );
      const signal = await Promise.race([more, this.#ended]);
      if (signal !== undefined) throw new HostEnded(signal, this.#errors);
    }
    const reply = JSON.parse(this.#output) as
      | { value: unknown }
      | { error: ConstructorParameters<typeof Refusal>[0] };
    if ('error' in reply) throw new Refusal(reply.error);
    return reply.value;
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }
}
