/** Network namespaces that a test makes for itself: unique names, everything in them removed at the end. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Step } from '../../../src/wg/plan.ts';
import { socketPath } from '../../../src/wg/system.linux.ts';
import type { Presence, WantedNetwork } from '../../../src/wg/types.ts';
import { command, commandInside, type Inside } from '../../lab/inside.ts';
import type { Request } from './host.ts';

const HOST = fileURLToPath(new URL('./host.ts', import.meta.url));

/** One more than any other test's; also for interfaces, whose sockets all namespaces share. */
export const uniqueName = (): string => `bw${randomBytes(5).toString('hex')}`;

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
  readonly name = uniqueName();
  readonly #namespace: string;
  readonly #interfaces: string[] = [];
  /** Dozens of processes run the same program here: most of the time of each would be its compilation. */
  readonly #compiled = mkdtempSync(join(tmpdir(), 'borealis-compiled-'));
  #host: Host | undefined;

  constructor() {
    command('ip', ['netns', 'add', this.name]);
    this.run('ip', 'link', 'set', 'lo', 'up');
    this.#namespace = this.run('readlink', '/proc/self/ns/net').trim();
  }

  argv(file: string, ...args: string[]): [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.name, file, ...args];
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
    const name = uniqueName();
    this.#interfaces.push(name);
    return name;
  }

  apply(wanted: WantedNetwork): Promise<Step[]> {
    return this.#ask({ do: 'apply', wanted });
  }

  async teardown(interfaces: readonly string[], firewall = true): Promise<void> {
    await this.#ask({ do: 'teardown', interfaces, firewall });
  }

  async observe(...interfaces: string[]): Promise<Seen> {
    return this.#ask({ do: 'observe', interfaces });
  }

  /** A process of its own; resolves to true when it was killed on the way, to false when it came to its end. */
  async killed(request: Request): Promise<boolean> {
    const host = new Host(this.name, this.#compiled);
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
    const host = new Host(this.name, this.#compiled, prefix, env);
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
    const sockets = this.#interfaces.filter((name) => existsSync(socketPath(name)));
    // Numbers of links, and of routes that the kernel makes for them, count on.
    const text = [shown, ...sockets, ...this.processes().map(String)].join('\n--\n');
    return text.replace(/^\d+: /gm, '').replace(/valid_lft.*|(?<=expires )\S+/g, '');
  }

  /** Processes of wireguard-go that live in it. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .filter((pid) => {
        try {
          return (
            readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'wireguard-go' &&
            readlinkSync(`/proc/${pid}/ns/net`) === this.#namespace
          );
        } catch {
          return false; // it has ended
        }
      })
      .map(Number);
  }

  async dispose(): Promise<void> {
    await this.#host?.end();
    // All that lives in it was started for this test; what has ended meanwhile is no concern.
    const alive = () => command('ip', ['netns', 'pids', this.name]).split('\n').filter(Boolean);
    for (let pids = alive(); pids.length > 0; pids = alive()) spawnSync('kill', ['-KILL', ...pids]);
    for (const name of this.#interfaces) rmSync(socketPath(name), { force: true });
    command('ip', ['netns', 'delete', this.name]);
    rmSync(this.#compiled, { recursive: true, force: true });
  }

  async #ask<T>(request: Request): Promise<T> {
    this.#host ??= new Host(this.name, this.#compiled);
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
    namespace: string,
    compiled: string,
    prefix: readonly string[] = [],
    env: Record<string, string> = {},
  ) {
    const args = ['netns', 'exec', namespace, ...prefix, process.execPath, HOST];
    this.#child = spawn('ip', args, {
      env: { ...process.env, NODE_COMPILE_CACHE: compiled, ...env },
    });
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
