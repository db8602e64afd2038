/**
 * The real binaries in a place of their own: an engine, agents and borealisctl, each with its state below one temporary
 * directory. What they write is kept until `dispose`, so that a test can read every file afterwards.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Client } from '../../src/client/client.ts';
import type { CreatedCode } from '../../src/protocol/code.ts';
import type { Event, EventType } from '../../src/protocol/event.ts';
import { FINAL_STATES, type Job } from '../../src/protocol/job.ts';
import type { InputOf } from '../../src/protocol/operations.ts';
import { onlyChild } from './proc.ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const binary = (name: 'borealisctl' | 'borealisd' | 'borealis-agent'): string =>
  join(ROOT, 'bin', name);

/** Nothing of the caller's environment that could lead a child to another engine. */
const environment = (extra: Record<string, string>): Record<string, string> => ({
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  HOME: process.env.HOME ?? '/',
  LANG: 'C.UTF-8',
  ...extra,
});

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly input?: string | undefined;
  /** `open`: it does not end by itself after the input. */
  readonly stdin?: 'ended' | 'open';
  /** Put before the command line: see Host.enter. */
  readonly within?: readonly string[];
}

export class Process {
  /** Where it runs elsewhere (`within`), what brought it there, and ends as it does. */
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  readonly #elsewhere: boolean;
  stdout = '';
  stderr = '';
  #heard = new Set<() => void>();

  constructor(
    file: string,
    args: string[],
    env: Record<string, string>,
    { input, stdin = 'ended', within = [] }: ProcessOptions = {},
  ) {
    this.#elsewhere = within.length > 0;
    const [own = file, ...rest] = [...within, file, ...args];
    this.child = spawn(own, rest, { env: environment(env), stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#hear('stdout', text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => this.#hear('stderr', text));
    this.child.stdin!.on('error', () => {
      // The child may end before it has read its input; how it ended says the rest.
    });
    if (input !== undefined) this.child.stdin!.write(input);
    if (stdin === 'ended') this.child.stdin!.end();
    this.finished = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        for (const wake of this.#heard) wake();
      });
    });
  }

  #hear(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    for (const wake of this.#heard) wake();
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves when `condition` holds after some output; rejects with all output when the process ends first. */
  async until(condition: (process: this) => boolean, what: string): Promise<void> {
    while (!condition(this)) {
      if (!this.running) throw new Error(`ended before ${what}:\n${this.stdout}\n${this.stderr}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#heard.add(resolve);
      await promise;
      this.#heard.delete(resolve);
    }
  }

  /** Its number for us, wherever it runs. Undefined where it has ended. */
  get pid(): number | undefined {
    if (!this.running) return undefined;
    return this.#elsewhere ? onlyChild(this.child.pid!) : this.child.pid;
  }

  /** Stops it where it is, or lets it go on. */
  freeze(): void {
    process.kill(this.pid!, 'SIGSTOP');
  }

  thaw(): void {
    // nsenter(1) stops as its child does, and wakes it when it goes on itself.
    for (const pid of [this.child.pid!, this.pid!]) process.kill(pid, 'SIGCONT');
  }

  async kill(signal: NodeJS.Signals): Promise<Finished> {
    // What enters a namespace has its child a moment after its own start, and then until both end.
    while (this.running && this.pid === undefined) await setImmediate();
    const { pid } = this;
    if (pid !== undefined) process.kill(pid, signal);
    return this.finished;
  }
}

export class Place {
  readonly directory: string;
  readonly #processes: Process[] = [];

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'borealis-test-'));
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  get socket(): string {
    return this.path('engine', 'run', 'borealisd.sock');
  }

  start(
    name: Parameters<typeof binary>[0],
    args: string[],
    env: Record<string, string> = {},
    input?: string,
  ): Process {
    return this.startWithin([], name, args, env, input);
  }

  /** `within`: what brings it elsewhere, as a child of its own. */
  startWithin(
    within: readonly string[],
    name: Parameters<typeof binary>[0],
    args: string[],
    env: Record<string, string> = {},
    input?: string,
  ): Process {
    const process = new Process(binary(name), args, env, { input, within });
    this.#processes.push(process);
    return process;
  }

  /** Address and port for the engine; the system's choice. */
  protected readonly listen: string = '127.0.0.1:0';

  /** Starts the engine and waits until it says that it is ready. */
  async startEngine(args: string[] = [], env: Record<string, string> = {}): Promise<Process> {
    const engine = this.start(
      'borealisd',
      ['--state', this.path('engine'), '--listen', this.listen, ...args],
      {
        BOREALIS_CHECK_OUTPUT: '1',
        ...env,
      },
    );
    await engine.until(() => engine.stderr.includes('"msg":"ready"'), 'ready');
    return engine;
  }

  /** borealisctl against this engine, to its end. */
  async ctl(
    args: string[],
    options: { input?: string; env?: Record<string, string> } = {},
  ): Promise<Finished> {
    const env = { BOREALIS_SOCKET: this.socket, ...options.env };
    return this.start('borealisctl', args, env, options.input).finished;
  }

  /** The same with --json; fails the test where it did not end with 0. */
  async json<T>(args: string[], options: { input?: string } = {}): Promise<T> {
    const { code, stdout, stderr } = await this.ctl([...args, '--json'], options);
    if (code !== 0)
      throw new Error(`borealisctl ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
    return JSON.parse(stdout) as T;
  }

  agent(name: string, args: string[], env: Record<string, string> = {}, input?: string): Process {
    return this.start('borealis-agent', [...args, '--state', this.path(name)], env, input);
  }

  get client(): Client {
    return new Client(this.socket);
  }

  /** An enrolment code whose link leads to this engine. */
  async code(input: InputOf<'code.create'> = {}): Promise<CreatedCode> {
    return this.client.call('code.create', { address: await this.agentAddress(), ...input });
  }

  /** The first event of the type since the engine's first start, or after an id, that `matches`; waits for it. */
  async event(type: EventType, matches: (event: Event) => boolean = () => true, after = 0): Promise<Event> {
    for await (const event of this.client.stream('event.watch', { type: [type], after })) {
      if (matches(event)) return event;
    }
    throw new Error(`the stream of events ended before a ${type}`);
  }

  /** The id of the newest event: what follows it happens from now on. */
  async newestEvent(): Promise<number> {
    // Made for its event: nobody has any use for a code that leads nowhere.
    const { id } = await this.client.call('code.create', { address: '127.0.0.1:1' });
    return (await this.event('code.created', ({ data }) => data.id === id)).id;
  }

  /** The job, once it is over. */
  async finished(id: string): Promise<Job> {
    for await (const message of this.client.stream('job.watch', { job: id })) {
      if (message.type === 'job' && FINAL_STATES.has(message.job.state)) break;
    }
    return this.client.call('job.show', { job: id });
  }

  /** Runs a command on devices; resolves when it is over. */
  async run(argv: string[], devices: string[], rest: { ttl?: number; timeout?: number } = {}): Promise<Job> {
    const job = await this.client.call('job.create', { devices, work: { kind: 'command', argv }, ...rest });
    return this.finished(job.id);
  }

  /** Enrols an agent by a code that approves by itself. Its state lies below `name`. */
  async enrolAgent(name: string, env: Record<string, string> = {}): Promise<void> {
    const { link } = await this.code({ auto_approve: true });
    const { code, stderr } = await this.agent(name, ['enroll', '-'], env, `${link}\n`).finished;
    if (code !== 0) throw new Error(`enroll ended with ${code}: ${stderr}`);
  }

  /** HOST:PORT at which the engine serves agents. */
  async agentAddress(): Promise<string> {
    const { listeners } = await this.client.call('status.show', {});
    return listeners.find((listener) => listener.kind === 'agent')!.address;
  }

  /** Enrols an agent and starts it; resolves when the engine holds it online. */
  async startAgent(name: string, env: Record<string, string> = {}): Promise<Process> {
    await this.enrolAgent(name, env);
    const agent = this.agent(name, ['run'], env);
    await agent.until(() => agent.stderr.includes('"msg":"connected"'), `${name} is connected`);
    return agent;
  }

  /** As `startAgent`, standing for a machine of its own, approved under this name: there may be several. */
  async startDevice(name: string, more: Record<string, string> = {}): Promise<Process> {
    const env = { BOREALIS_AGENT_FINGERPRINT: name, ...more };
    const { id, link } = await this.code();
    const enrolment = this.agent(name, ['enroll', '-'], env, `${link}\n`);
    const { data } = await this.event('approval.requested', (event) => event.data.code === id);
    await this.client.call('approval.approve', { approval: String(data.id), name });
    const { code, stderr } = await enrolment.finished;
    if (code !== 0) throw new Error(`enroll ended with ${code}: ${stderr}`);
    const agent = this.agent(name, ['run'], env);
    await agent.until(() => agent.stderr.includes('"msg":"connected"'), `${name} is connected`);
    return agent;
  }

  /** Ends what still runs. */
  async end(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.kill('SIGKILL').catch(() => undefined)));
  }

  /** Ends what still runs, then removes everything. */
  async dispose(): Promise<void> {
    await this.end();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
