/**
 * An engine and devices on machines of their own, joined by a network that can be made to fail. Engine, agents and
 * borealisctl are the real programs; operators sit on the engine's machine. What is said to the engine's socket by
 * `client` comes from the test itself: connections to a device must come from `network.engine`.
 *
 *   describe('a tunnel', requires(...LAB_NEEDS), () => {
 *     const lab = await Lab.start(['north', 'south']);   // then, in the end: lab.dispose()
 *     await lab.startEngine();
 *     await lab.startDevice('north');
 */
import type { Host } from './host.ts';
import { insideAs } from './inside.ts';
import { ENGINE_ADDRESS, LabNetwork } from './network.ts';
import { binary, Place, type Process } from './processes.ts';
import type { As } from './run-as.ts';
import { Screen, type ScreenOptions } from './screen.ts';
import { Terminal, type TerminalOptions } from './terminal.ts';

/** For `requires`. */
export const LAB_NEEDS = ['root', 'linux', 'namespaces', 'ip', 'nft', 'wg', 'wireguard-go'] as const;

const PORT = 8_443;

export class Lab extends Place {
  readonly network: LabNetwork;
  /** Put before the engine's command line: setpriv(1), for one. */
  engineWithin: readonly string[] = [];
  protected override readonly listen = `0.0.0.0:${PORT}`;

  private constructor(network: LabNetwork) {
    super();
    this.network = network;
  }

  /** Machines for an engine and for these devices. Nothing of Borealis runs yet. */
  static async start(devices: readonly string[]): Promise<Lab> {
    return new Lab(await LabNetwork.start(devices));
  }

  get engine(): Host {
    return this.network.engine;
  }

  device(name: string): Host {
    return this.network.device(name);
  }

  override async agentAddress(): Promise<string> {
    return `${ENGINE_ADDRESS}:${PORT}`;
  }

  /** Engine and operators. */
  override start(...[name, args, env, input]: Parameters<Place['start']>): Process {
    const within = name === 'borealisd' ? this.engineWithin : [];
    return this.startWithin([...this.engine.enter, ...within], name, args, env, input);
  }

  /** On the machine of that name. */
  override agent(name: string, args: string[], env: Record<string, string> = {}, input?: string): Process {
    const all = [...args, '--state', this.path(name)];
    return this.startWithin(this.device(name).enter, 'borealis-agent', all, env, input);
  }

  /** borealisctl of another user of the engine's machine, who must be let to the socket. */
  ctlAs(who: As, args: string[]): Process {
    const [file, ...become] = insideAs(this.engine, who).argv('env');
    return this.startWithin([file, ...become], 'borealisctl', args, { BOREALIS_SOCKET: this.socket });
  }

  /** borealisctl on the engine's machine, at work until it is ended. */
  operator(args: string[], input?: string): Process {
    return this.start('borealisctl', args, { BOREALIS_SOCKET: this.socket }, input);
  }

  /** borealisctl in a terminal on the engine's machine. */
  terminal(args: string[], options: Partial<TerminalOptions> = {}): Terminal {
    const env = { BOREALIS_SOCKET: this.socket, ...options.env };
    return new Terminal({ ...options, args, env, within: this.engine.enter });
  }

  /** The same, looked at as it is drawn. */
  screen(args: string[], options: Partial<ScreenOptions> = {}): Screen {
    const [file, ...rest] = this.engine.argv(binary('borealisctl'), ...args);
    return new Screen({
      ...options,
      file,
      args: rest,
      env: { BOREALIS_SOCKET: this.socket, ...options.env },
    });
  }

  override async dispose(): Promise<void> {
    await this.network.end();
    await super.dispose();
  }
}
