/** One engine with its agents, and beside it the floor with its sockets. Made once, used by agents, commands, reconnect. */
import type { ChildProcess } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../src/client/client.ts';
import type { Ground } from '../bench.ts';
import { EngineProcess, ended, raiseFileLimit, residentKib, startHelper } from '../processes.ts';
import type { FleetCount } from './agents.ts';

/** Descriptors that a process needs besides its sockets. */
const SPARE = 1_000;
const LOOK_MS = 50;
/**
 * Of the process that has all the agents, or all bare clients. To mark a heap of ten thousand takes both cores of a small machine
 * for a third of a second; no agent has such a heap, so it is let grow.
 */
const CLIENTS = ['--max-old-space-size=12000', '--initial-old-space-size=8000'];

/** Below the range from which the clients of this machine get their ports, so that none takes it during a restart. */
const freePort = async (): Promise<number> => {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (free) return port;
  }
};

export const waitForPort = async (port: number): Promise<void> => {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await sleep(LOOK_MS);
  }
};

const ask = async <T>(child: ChildProcess, question: string): Promise<T> => {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const over = (): void => reject(new Error('a process of the fleet ended'));
  child.once('message', (answer) => resolve(answer as T));
  child.once('exit', over);
  child.send(question);
  return promise.finally(() => child.off('exit', over));
};

export class Fleet {
  readonly size: number;
  readonly state: string;
  readonly port: number;
  readonly client: Client;
  readonly agents: ChildProcess;
  engine: EngineProcess;
  /** Of the engine, before the first agent came. */
  readonly baseKib: number;

  private constructor(parts: Pick<Fleet, 'size' | 'state' | 'port' | 'agents' | 'engine' | 'baseKib'>) {
    this.size = parts.size;
    this.state = parts.state;
    this.port = parts.port;
    this.agents = parts.agents;
    this.engine = parts.engine;
    this.baseKib = parts.baseKib;
    this.client = new Client(parts.engine.socket);
  }

  static async start(size: number, state: string, file: string): Promise<Fleet> {
    const port = await freePort();
    const engine = await EngineProcess.start(state, ['--listen', `127.0.0.1:${port}`]);
    demandFiles(engine.pid, size);
    const { child: agents } = await startHelper('fleet/agents.ts', [file, String(port)], CLIENTS);
    demandFiles(agents.pid!, size);
    await sleep(3_000);
    return new Fleet({ size, state, port, agents, engine, baseKib: residentKib(engine.pid) });
  }

  count(): Promise<FleetCount> {
    return ask(this.agents, 'count');
  }

  /** As the engine sees it. */
  async online(): Promise<number> {
    return (await this.client.call('status.show', {})).devices.online;
  }

  async connect(): Promise<void> {
    await ask(this.agents, 'connect');
    await this.allOnline();
  }

  async allOnline(limitMs = 600_000): Promise<void> {
    const end = Date.now() + limitMs;
    while ((await this.online()) < this.size) {
      if (Date.now() > end) throw new Error(`not all came: ${JSON.stringify(await this.count())}`);
      await sleep(LOOK_MS);
    }
  }

  forgetSessions(): Promise<unknown> {
    return ask(this.agents, 'forget sessions');
  }

  /** Kills the engine and starts it again; resolves with the seconds from the kill until all agents are back. */
  async restart(): Promise<number> {
    const begun = performance.now();
    await this.engine.stop('SIGKILL');
    this.engine = await EngineProcess.start(this.state, ['--listen', `127.0.0.1:${this.port}`]);
    demandFiles(this.engine.pid, this.size);
    await this.allOnline();
    return (performance.now() - begun) / 1_000;
  }

  async close(): Promise<void> {
    this.agents.kill('SIGKILL');
    await ended(this.agents);
    await this.engine.stop('SIGKILL');
  }
}

/** The same sockets without what makes them Borealis. */
export class Floor {
  readonly size: number;
  readonly port: number;
  readonly clients: ChildProcess;
  readonly #file: string;
  server: ChildProcess;
  readonly baseKib: number;

  private constructor(parts: Pick<Floor, 'size' | 'port' | 'clients' | 'server' | 'baseKib'>, file: string) {
    this.size = parts.size;
    this.port = parts.port;
    this.clients = parts.clients;
    this.server = parts.server;
    this.baseKib = parts.baseKib;
    this.#file = file;
  }

  static async start(size: number, file: string): Promise<Floor> {
    const port = await freePort();
    const server = await startServer(file, port, size);
    const { child: clients } = await startHelper('floors/socket-clients.ts', [file, String(port)], CLIENTS);
    demandFiles(clients.pid!, size);
    await sleep(3_000);
    return new Floor({ size, port, clients, server, baseKib: residentKib(server.pid!) }, file);
  }

  count(): Promise<FleetCount> {
    return ask(this.clients, 'count');
  }

  async online(): Promise<number> {
    return (await ask<{ online: number }>(this.server, 'count')).online;
  }

  async connect(): Promise<void> {
    await ask(this.clients, 'connect');
    await this.allOnline();
  }

  async allOnline(): Promise<void> {
    while ((await this.online()) < this.size) await sleep(LOOK_MS);
  }

  forgetSessions(): Promise<unknown> {
    return ask(this.clients, 'forget sessions');
  }

  async restart(): Promise<number> {
    const begun = performance.now();
    this.server.kill('SIGKILL');
    await ended(this.server);
    this.server = await startServer(this.#file, this.port, this.size);
    await this.allOnline();
    return (performance.now() - begun) / 1_000;
  }

  /** Milliseconds of one signed command to every socket, with its result stored. */
  async commands(): Promise<number> {
    return (await ask<{ ms: number }>(this.server, 'commands')).ms;
  }

  async close(): Promise<void> {
    this.clients.kill('SIGKILL');
    await ended(this.clients);
    this.server.kill('SIGKILL');
    await ended(this.server);
  }
}

const startServer = async (file: string, port: number, size: number): Promise<ChildProcess> => {
  const { child } = await startHelper('floors/socket-server.ts', [file, String(port), `${file}.db`]);
  demandFiles(child.pid!, size);
  return child;
};

const demandFiles = (pid: number, sockets: number): void => {
  if (!raiseFileLimit(pid, sockets + SPARE))
    throw new Error(
      `this machine does not allow a process ${sockets + SPARE} open files; take fewer --agents`,
    );
};

let made: Promise<{ fleet: Fleet; floor: Floor }> | undefined;

/** The fleet of this run, connected; the first benchmark that asks for it waits for it. */
export const fleetOf = (ground: Ground): Promise<{ fleet: Fleet; floor: Floor }> => {
  made ??= make(ground);
  return made;
};

const make = async (ground: Ground): Promise<{ fleet: Fleet; floor: Floor }> => {
  const { agents } = ground.settings;
  const directory = ground.directory('fleet');
  const [state, file] = [join(directory, 'state'), join(directory, 'fleet.jsonl')];
  ground.say(`enrolling ${agents} agents`);
  await startHelper('fleet/prepare.ts', [state, file, String(agents)]).then(({ child }) => ended(child));
  const fleet = await Fleet.start(agents, state, file);
  ground.atEnd(() => fleet.close());
  const floor = await Floor.start(agents, file);
  ground.atEnd(() => floor.close());
  ground.say('connecting them');
  const [ours, theirs] = [performance.now(), 0];
  await fleet.connect();
  const between = performance.now();
  await floor.connect();
  ground.say(
    `connected: the agents in ${seconds(between - ours)}, the bare sockets in ${seconds(performance.now() - between - theirs)}`,
  );
  return { fleet, floor };
};

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
