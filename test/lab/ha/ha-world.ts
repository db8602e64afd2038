/**
 * The pair as Borealis makes it: an engine, the agents `north` and `south` with a VPN service between them, and the client
 * and the site of bastions.ts connected to it with wg-quick(8).
 *
 *   const world = await HaWorld.start();            // `north` has the address, the client is served
 *   await world.bastions.outage('north', () => world.killAgent('north'));
 *   await world.startAgent('north');
 *   await world.ok();
 *   await world.end();
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { HaPair } from '../../../src/protocol/ha.ts';
import { Lab } from '../lab.ts';
import type { Process } from '../processes.ts';
import { WallClock } from '../wall-clock.ts';
import {
  Bastions,
  FLOATING,
  INNER_NETWORK,
  MACHINES,
  NODES,
  type NodeName,
  POOL,
  PORT,
  SITE_NETWORK,
} from './bastions.ts';
import { now } from './observer.ts';

export const VPN = 'office';
const [OK_MS, LOOK_MS] = [80_000, 50];
/** Promised is a second from when a client was heard; what the engine shows of it is older. */
const REPLICATED_MS = 1_500;

export interface HaWorldOptions {
  /** Seconds; the engine's own choice unless told. */
  readonly lease?: number;
  readonly driver?: 'own' | 'keepalived';
  /** Engine and agents have wall clocks that can be made to jump: `requires('clocks that jump')`. */
  readonly clocks?: boolean;
}

export type Clocked = NodeName | 'engine';
type Clocks = Record<Clocked, WallClock>;

interface Programs {
  readonly engine: Process;
  readonly agents: Record<NodeName, Process>;
  readonly clocks: Clocks | undefined;
}

export class HaWorld {
  readonly lab: Lab;
  readonly bastions: Bastions;
  readonly driver: 'own' | 'keepalived';
  #engine: Process;
  readonly #agents: Record<NodeName, Process>;
  readonly #clocks: Clocks | undefined;

  private constructor(
    lab: Lab,
    bastions: Bastions,
    { engine, agents, clocks }: Programs,
    { driver = 'own' }: HaWorldOptions,
  ) {
    this.lab = lab;
    this.bastions = bastions;
    this.driver = driver;
    this.#engine = engine;
    this.#agents = agents;
    this.#clocks = clocks;
  }

  static async start(options: HaWorldOptions = {}): Promise<HaWorld> {
    const lab = await Lab.start(MACHINES);
    let bastions: Bastions | undefined;
    try {
      bastions = await Bastions.build(lab.network);
      const clock = (who: Clocked): WallClock => new WallClock(lab.path(`${who}.clock`));
      const clocks = options.clocks
        ? { north: clock('north'), south: clock('south'), engine: clock('engine') }
        : undefined;
      const engine = await lab.startEngine([], clocks?.engine.env);
      const [north, south] = await Promise.all(
        NODES.map((name) => lab.startDevice(name, clocks?.[name].env)),
      );
      const programs = { engine, agents: { north: north!, south: south! }, clocks };
      const world = new HaWorld(lab, bastions, programs, options);
      await world.#service(options);
      return world;
    } catch (error) {
      await bastions?.end();
      await lab.dispose();
      throw error;
    }
  }

  async #service({ lease, driver }: HaWorldOptions): Promise<void> {
    const { lab, bastions } = this;
    await lab.json([
      ...['vpn', 'create', VPN, '--endpoint', `${FLOATING}:${PORT}`, '--pool', POOL],
      ...['--local-subnet', INNER_NETWORK, '--masquerade'],
    ]);
    await lab.json(['connection', 'add', VPN, 'site', '--site-subnets', SITE_NETWORK]);
    await lab.json(['connection', 'add', VPN, 'client']);
    await this.ha(
      ...['enable', '--primary', 'north', '--standby', 'south', '--address', `${FLOATING}/24`],
      ...(lease === undefined ? [] : ['--lease', String(lease)]),
      ...(driver === undefined ? [] : ['--driver', driver]),
    );
    const first = await this.holder();
    for (const host of [bastions.site, bastions.client]) {
      const file = lab.path(`${host.name}.conf`);
      await lab.json(['connection', 'config', VPN, host.name, '--file', file]);
      host.run('wg-quick', 'up', file);
    }
    await bastions.pings.flow(0);
    await this.ok();
    if (first === 'north') return;
    // Where the machine is busy, the one that is not preferred may begin earlier by more than it waits for the other one.
    await this.ha('switch');
    await this.ok();
  }

  /** `borealisctl ha VERB office …`. */
  ha<T = HaPair>(verb: string, ...args: string[]): Promise<T> {
    return this.lab.json<T>(['ha', verb, VPN, ...args]);
  }

  /** Resolves when one has the address, the other one could take it at once, and has had the time to hear where clients are. */
  async ok(): Promise<HaPair> {
    let pair = await this.ha('show');
    const end = now() + OK_MS;
    while (!whole(pair)) {
      if (now() > end) throw new Error(`the pair is ${pair.state}: ${JSON.stringify(pair)}`);
      await wait(LOOK_MS);
      pair = await this.ha('show');
    }
    await wait(REPLICATED_MS);
    return pair;
  }

  /** Who has the address, once it is one alone. */
  async holder(): Promise<NodeName> {
    return (await this.bastions.watch.anyAlone()) as NodeName;
  }

  // -- Faults of programs; those of cables: bastions.links ---------------------------------------------------------------

  async killAgent(name: NodeName): Promise<void> {
    await this.#agents[name].kill('SIGKILL');
  }

  /** Resolves when it is at work; the engine may be gone just then, and hears it later. */
  async startAgent(name: NodeName): Promise<void> {
    const agent = this.lab.agent(name, ['run'], this.#clocks?.[name].env);
    this.#agents[name] = agent;
    await agent.until(() => agent.stderr.includes('"msg":"the agent serves"'), `${name} serves`);
  }

  pauseAgent(name: NodeName): void {
    this.#agents[name].freeze();
  }

  resumeAgent(name: NodeName): void {
    this.#agents[name].thaw();
  }

  freeze(name: NodeName): void {
    this.bastions.node(name).freeze();
  }

  thaw(name: NodeName): void {
    this.bastions.node(name).thaw();
  }

  async killEngine(): Promise<void> {
    await this.#engine.kill('SIGKILL');
  }

  async startEngine(): Promise<void> {
    this.#engine = await this.lab.startEngine([], this.#clocks?.engine.env);
  }

  pauseEngine(): void {
    this.#engine.freeze();
  }

  resumeEngine(): void {
    this.#engine.thaw();
  }

  get hasClocks(): boolean {
    return this.#clocks !== undefined;
  }

  /** So many seconds from now on is what the program takes for the time of day away from the machine's. */
  jump(who: Clocked, seconds: number): void {
    this.#clocks?.[who].jump(seconds);
  }

  /** Resolves when it has said that since its last start. */
  async says(name: NodeName, words: string): Promise<void> {
    await this.#agents[name].until(({ stderr }) => stderr.includes(words), words);
  }

  /** What an agent has said since its last start, for a person. */
  log(name: NodeName): string {
    return this.#agents[name].stderr;
  }

  async end(): Promise<void> {
    await this.bastions.end();
    await this.lab.dispose();
  }
}

/** A pair that changed hands often is called degraded for a while, whatever it can do: the state alone does not say. */
const whole = ({ nodes }: HaPair): boolean =>
  ['holder', 'standby'].every((role) => nodes.some((node) => node.role === role)) &&
  nodes.every(({ online, other_heard, revision_behind }) => online && other_heard && revision_behind === 0);
