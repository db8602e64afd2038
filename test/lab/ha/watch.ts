/** What the watch has seen of the floating address: who had it when, who answered for it, and whether two ever did. */
import { join } from 'node:path';
import type { Host } from '../host.ts';
import { now, Observer } from './observer.ts';

export interface Sight {
  readonly at: number;
  /** By the kernels' word. `blind`: so many milliseconds nobody had looked before. */
  readonly holders?: readonly string[];
  readonly blind?: number;
  /** To one question on the wire. */
  readonly answering?: readonly string[];
  /** Both at once. */
  readonly two?: readonly string[];
  readonly by?: 'kernel' | 'wire';
  readonly ready?: true;
}

export interface WatchOptions {
  readonly address: string;
  /** Whose bridge it is in whose network the address moves. */
  readonly router: Host;
  readonly bridge: string;
  readonly nodes: readonly Host[];
}

export class AddressWatch {
  readonly #observer: Observer<Sight>;
  #sights: Sight[] = [];
  holders: readonly string[] = [];
  answering: readonly string[] = [];
  #ready = false;

  private constructor({ address, router, bridge, nodes }: WatchOptions) {
    const namespace = (host: Host): string => `/proc/${host.holder}/ns/net`;
    const program = join(import.meta.dirname, 'watch-program.ts');
    const args = [
      address,
      namespace(router),
      bridge,
      ...nodes.map((host) => `${host.name}=${namespace(host)}`),
    ];
    this.#observer = new Observer<Sight>([process.execPath, '--no-warnings', program, ...args], (sight) => {
      this.#sights.push(sight);
      if (sight.holders) this.holders = sight.holders;
      if (sight.answering) this.answering = sight.answering;
      this.#ready ||= sight.ready === true;
    });
  }

  static async start(options: WatchOptions): Promise<AddressWatch> {
    const watch = new AddressWatch(options);
    await watch.#observer.until(() => watch.#ready, 'the watch looks', 10_000);
    return watch;
  }

  /** Moments from which on two had it or answered for it. */
  get doubles(): readonly Sight[] {
    return this.#sights.filter(({ two }) => two !== undefined);
  }

  /** Milliseconds of the longest time since in which two had it by their kernels' word. */
  longestDouble(since: number): number {
    const seen = this.#sights.filter((sight) => sight.at >= since && sight.holders);
    const long = seen.map(({ at, holders }, index) =>
      holders!.length > 1 ? (seen[index + 1]?.at ?? now()) - at : 0,
    );
    return Math.max(0, ...long);
  }

  /** What changed since, to be read by a person. */
  told(since = 0): string {
    const line = ({ at, ...sight }: Sight): string => `${at.toFixed(1)} ${JSON.stringify(sight)}`;
    return this.#sights
      .filter(({ at }) => at >= since)
      .map(line)
      .join('\n');
  }

  /** Resolves when it has it by its kernel's word and alone answers for it on the wire. */
  async alone(node: string, ms = 60_000): Promise<void> {
    const is = (names: readonly string[]): boolean => names.length === 1 && names[0] === node;
    await this.#until(() => is(this.holders) && is(this.answering), `${node} alone has the address`, ms);
  }

  /** Resolves with its name when any one node has it alone. */
  async anyAlone(ms = 60_000): Promise<string> {
    const is = (): boolean => this.holders.length === 1 && this.holders.join() === this.answering.join();
    await this.#until(is, 'one node alone has the address', ms);
    return this.holders[0]!;
  }

  /** Resolves when none has it by its kernel's word, and none answers. */
  async nobody(ms = 60_000): Promise<void> {
    const is = (): boolean => this.holders.length === 0 && this.answering.length === 0;
    await this.#until(is, 'nobody has the address', ms);
  }

  /** Resolves when it answers on the wire, whoever else does. */
  async answers(node: string, ms = 60_000): Promise<void> {
    await this.#until(() => this.answering.includes(node), `${node} answers for the address`, ms);
  }

  async #until(condition: () => boolean, what: string, ms: number): Promise<void> {
    await this.#observer.until(condition, what, ms, () => `Seen:\n${this.told().slice(-2_000)}`);
  }

  end(): Promise<void> {
    return this.#observer.end();
  }
}
