/**
 * Cables of a pair that fail in one direction or in both, seen from where no node looks: at the ports of the bridges that
 * they are plugged into (nft(8), family netdev). Each fault gives what ends it.
 */
import type { Host } from '../host.ts';
import { ENGINE_ADDRESS } from '../network.ts';

/** As the node sees it. */
export type Direction = 'in' | 'out' | 'both';
export type Undo = () => void;

export class Links {
  readonly #router: Host;
  readonly #inner: Host;
  #count = 0;

  constructor(router: Host, inner: Host) {
    this.#router = router;
    this.#inner = inner;
  }

  /** The outer network: clients, the other node, and the way to the engine. */
  outer(node: string, direction: Direction): Undo {
    return this.#drop(this.#router, node, direction, { in: 'drop', out: 'drop' });
  }

  /** The network behind the bastions. */
  inner(node: string, direction: Direction): Undo {
    return this.#drop(this.#inner, node, direction, { in: 'drop', out: 'drop' });
  }

  toEngine(node: string, direction: Direction): Undo {
    const [to, from] = [`ip daddr ${ENGINE_ADDRESS} drop`, `ip saddr ${ENGINE_ADDRESS} drop`];
    return this.#drop(this.#router, node, direction, { in: from, out: to });
  }

  /** All that the one sends to the other, to all included; the way back stays. */
  between(from: Host, to: Host): Undo {
    const address = (JSON.parse(from.run('ip', '-json', 'link', 'show', 'eth0')) as { address: string }[])[0]!
      .address;
    return this.#drop(this.#router, to.name, 'in', { in: `ether saddr ${address} drop`, out: 'drop' });
  }

  /** Pulls the cable out: the node notices. */
  unplug(node: string): Undo {
    this.#router.ip(`link set p-${node} down`);
    return () => this.#router.ip(`link set p-${node} up`);
  }

  #drop(at: Host, node: string, direction: Direction, rules: Record<'in' | 'out', string>): Undo {
    // What comes into a port leaves the node.
    const hooks = { out: 'ingress', in: 'egress' } as const;
    const ways = direction === 'both' ? (['in', 'out'] as const) : [direction];
    const chains = ways.map((way) => {
      this.#count += 1;
      return { name: `cut${this.#count}`, hook: hooks[way], rule: rules[way] };
    });
    at.nft(
      'table netdev faults {',
      ...chains.flatMap(({ name, hook, rule }) => [
        `  chain ${name} {`,
        `    type filter hook ${hook} device "p-${node}" priority 0;`,
        `    ${rule}`,
        '  }',
      ]),
      '}',
    );
    return () =>
      at.nft(
        ...chains.map(({ name }) => `flush chain netdev faults ${name}`),
        ...chains.map(({ name }) => `delete chain netdev faults ${name}`),
      );
  }
}
