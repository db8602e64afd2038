/** Faults of a pair, each with what ends it. `ha-rounds.ts` takes them at random; tests and benchmarks by name. */
import type { Host } from '../host.ts';
import { slowLine } from '../slow-line.ts';
import { NODES, type NodeName, other } from './bastions.ts';
import type { HaWorld } from './ha-world.ts';
import type { Direction } from './links.ts';

export interface Fault {
  readonly name: string;
  /** Resolves to what ends it. */
  readonly begin: () => Promise<() => Promise<void>>;
}

const DIRECTIONS: readonly Direction[] = ['in', 'out', 'both'];
const DELAY_MS = 60;

const plain = (name: string, begin: () => () => void): Fault => ({
  name,
  begin: async () => {
    const undo = begin();
    return async () => undo();
  },
});

export const faultsOf = (world: HaWorld, node: NodeName): Fault[] => {
  const { links } = world.bastions;
  const host = (name: NodeName): Host => world.bastions.node(name);
  return [
    {
      name: `${node}: agent killed`,
      begin: async () => {
        await world.killAgent(node);
        return () => world.startAgent(node);
      },
    },
    plain(`${node}: agent stopped`, () => {
      world.pauseAgent(node);
      return () => world.resumeAgent(node);
    }),
    plain(`${node}: frozen`, () => {
      world.freeze(node);
      return () => world.thaw(node);
    }),
    ...DIRECTIONS.map((way) => plain(`${node}: cut, ${way}`, () => links.outer(node, way))),
    ...DIRECTIONS.map((way) => plain(`${node}: no engine, ${way}`, () => links.toEngine(node, way))),
    plain(`${node}: not heard by ${other(node)}`, () => links.between(host(node), host(other(node)))),
    plain(`${node}: unplugged`, () => links.unplug(node)),
    {
      name: `${node}: frames take ${DELAY_MS} ms`,
      begin: async () => {
        const slow = await slowLine(world.bastions.network.router, 'lan', `p-${node}`, DELAY_MS);
        return () => slow.end();
      },
    },
  ];
};

export const engineFaults = (world: HaWorld): Fault[] => [
  {
    name: 'engine killed',
    begin: async () => {
      await world.killEngine();
      return () => world.startEngine();
    },
  },
  plain('engine stopped', () => {
    world.pauseEngine();
    return () => world.resumeEngine();
  }),
];

export const allFaults = (world: HaWorld): Fault[] => [
  ...NODES.flatMap((node) => faultsOf(world, node)),
  ...engineFaults(world),
];
