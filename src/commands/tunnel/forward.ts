import { Duplex } from 'node:stream';
import { BorealisError } from '../../protocol/errors.ts';
import type { OutputOf } from '../../protocol/operations.ts';
import type { Tunnel } from '../../protocol/tunnel.ts';
import { FarEngine } from '../local/far-forward.ts';
import { type Dial, dialTcp, type ForwardSpec, LocalForward, parseForward } from '../local/forward.ts';
import { BorealisCommand } from '../manner/command.ts';
import { deviceArg, several } from '../manner/flags.ts';
import { parseHost, runRemotely } from '../manner/remote.ts';

/** Between two reports that it is used: well below any idle time that can be set. */
const REPORT_MS = 5_000;

type Way = OutputOf<'tunnel.forward'>;

export default class TunnelForward extends BorealisCommand {
  static override summary = 'Give a port of a device to programs here: ssh, a browser, a database client.';
  static override description =
    'LOCAL is a port of this machine, 0 for any that is free, or ADDRESS:PORT to let others in as well; REMOTE is a port ' +
    'of the device that its tunnel may reach. With - as LOCAL one connection takes standard input and output, as ssh wants ' +
    'it of a ProxyCommand. The tunnel is brought up when it is needed, and again when it was lost. Ctrl-C ends it.';
  static override examples = [
    'borealisctl tunnel forward web-1 2222:22',
    'borealisctl tunnel forward db-1 5432:5432 8080:80',
    "ssh -o ProxyCommand='borealisctl tunnel forward web-1 -:22' root@web-1",
  ];
  static override usage = '<%= command.id %> DEVICE LOCAL:REMOTE… [FLAGS]';
  static override args = { device: deviceArg, ports: several('LOCAL:REMOTE, one or more.') };
  static override operations = ['tunnel.forward', 'tunnel.activity'] as const;

  async run(): Promise<void> {
    const { device, ports } = (await this.parse(TunnelForward, this.#words())).args;
    const specs = ports.map(parseForward);
    const signal = this.untilInterrupted();
    const stdio = specs.some(({ local }) => local === null);
    if (stdio && specs.length > 1)
      throw new BorealisError('USAGE', { detail: 'Standard input and output are for one port alone.' });
    const host = process.env.BOREALIS_HOST;
    if (host)
      return stdio ? runRemotely(host, process.argv.slice(2)) : this.#fromAfar(host, device, specs, signal);
    // Whoever asks for a port that may not be reached hears it now, not at the first connection.
    const ways = specs.map(({ remote }) => new HeldWay(this, device, remote, signal));
    const opened = await Promise.all(ways.map((way) => way.open()));
    const forwards = ways.map((way) =>
      this.#forward(async () => dialTcp(await way.open()), this.#reporter(device), stdio),
    );
    signal.addEventListener('abort', () => {
      for (const forward of forwards) forward.close();
    });
    try {
      if (stdio) await forwards[0]!.serve(Duplex.from({ readable: process.stdin, writable: process.stdout }));
      else await this.#listen(specs, forwards, opened[0]!.tunnel, signal);
    } finally {
      for (const forward of forwards) forward.close();
      for (const way of ways) way.close();
    }
  }

  /** `-:22` would be read as a flag. */
  #words(): string[] {
    return this.argv.map((word) => word.replace(/^-(?=:\d+$)/, 'stdio'));
  }

  /** The engine is on another host: the ports are here, and ssh makes each connection. */
  async #fromAfar(
    host: string,
    device: string,
    specs: readonly ForwardSpec[],
    signal: AbortSignal,
  ): Promise<void> {
    const engine = new FarEngine(parseHost(host));
    const warn = (error: unknown) => this.out.warn(error instanceof Error ? error.message : String(error));
    const forwards: LocalForward[] = [];
    try {
      const tunnel = await engine.connect(device);
      for (const { remote } of specs) {
        if (!tunnel.allowed_ports.includes(`${remote}/tcp`))
          throw new BorealisError('PORT_NOT_ALLOWED', { detail: `It is ${remote}/tcp of ${tunnel.device}.` });
        // The far command reports its use.
        forwards.push(
          this.#forward(
            async () => engine.dial(device, remote, warn),
            () => {},
            false,
          ),
        );
      }
      signal.addEventListener('abort', () => {
        for (const forward of forwards) forward.close();
      });
      await this.#listen(specs, forwards, tunnel, signal);
    } finally {
      for (const forward of forwards) forward.close();
      engine.close();
    }
  }

  async #listen(
    specs: readonly ForwardSpec[],
    forwards: readonly LocalForward[],
    tunnel: Tunnel,
    signal: AbortSignal,
  ): Promise<void> {
    const { out } = this;
    for (const [index, { local, remote }] of specs.entries()) {
      if (!local) continue;
      const port = await forwards[index]!.listen(local);
      if (out.json) out.record({ local: { host: local.host, port }, remote, tunnel });
      else out.line(`${local.host}:${port} is port ${remote} of ${tunnel.device}.`);
      if (local.host !== '127.0.0.1' && local.host !== '::1' && local.host !== 'localhost')
        out.warn(`whoever reaches ${local.host}:${port} reaches that port of ${tunnel.device}.`);
    }
    out.note('Ctrl-C ends it.', 'dim');
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  #forward(dial: Dial, moved: (bytes: number, connections: number) => void, stdio: boolean): LocalForward {
    const forward: LocalForward = new LocalForward(dial, {
      moved: (bytes) => moved(bytes, forward.connections),
      failed: (error) => {
        if (stdio) throw error;
        this.out.warn(error instanceof Error ? error.message : String(error));
      },
    });
    return forward;
  }

  /** Tells the engine that it is used: at once, and then each REPORT_MS while it is. */
  #reporter(device: string): (bytes: number, connections: number) => void {
    let moved = 0;
    let open = 0;
    let reportedAt = Number.NEGATIVE_INFINITY;
    let later: NodeJS.Timeout | undefined;
    const report = () => {
      later = undefined;
      reportedAt = performance.now();
      const use = { device, bytes: moved, connections: open };
      moved = 0;
      // Lost reports are made up for by the next; an engine that is away is told of when a connection needs it.
      this.client.call('tunnel.activity', use).catch(() => {});
    };
    return (bytes, connections) => {
      moved += bytes;
      open = connections;
      const wait = REPORT_MS - (performance.now() - reportedAt);
      if (wait <= 0) report();
      else if (!later) later = setTimeout(report, wait).unref();
    };
  }

  /** For those beside. */
  follow(device: string, port: number, signal: AbortSignal): AsyncGenerator<Way, void, undefined> {
    return this.client.stream('tunnel.forward', { device, port }, signal);
  }
}

/** The engine's leave to reach one port, held as long as it lasts and asked for again when it is needed. */
class HeldWay {
  readonly #command: TunnelForward;
  readonly #device: string;
  readonly #port: number;
  readonly #signal: AbortSignal;
  readonly #end = new AbortController();
  #way: Promise<Way> | undefined;

  constructor(command: TunnelForward, device: string, port: number, signal: AbortSignal) {
    this.#command = command;
    this.#device = device;
    this.#port = port;
    this.#signal = AbortSignal.any([signal, this.#end.signal]);
  }

  /** Errors: those of tunnel.forward. */
  open(): Promise<Way> {
    this.#way ??= this.#ask();
    return this.#way;
  }

  close(): void {
    this.#end.abort();
  }

  async #ask(): Promise<Way> {
    const stream = this.#command.follow(this.#device, this.#port, this.#signal);
    try {
      const first = await stream.next();
      if (first.done) throw new BorealisError('TUNNEL_DOWN');
      void this.#hold(stream);
      return first.value;
    } catch (error) {
      this.#way = undefined;
      throw error;
    }
  }

  async #hold(stream: AsyncGenerator<Way, void, undefined>): Promise<void> {
    try {
      for await (const way of stream) this.#way = Promise.resolve(way);
    } catch {
      // The tunnel or the engine went; the next connection asks anew, and is told what is wrong.
    }
    this.#way = undefined;
  }
}
