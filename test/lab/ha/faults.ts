/** Faults of a pair, each with what ends it. `ha-rounds.ts` takes them at random; tests and benchmarks by name. */
import { setTimeout as wait } from 'node:timers/promises';
import { LEASE } from '../../../src/ha/voter.ts';
import type { Host } from '../host.ts';
import { slowLine } from '../slow-line.ts';
import { NODES, type NodeName, other } from './bastions.ts';
import type { Clocked, HaWorld } from './ha-world.ts';
import type { Direction } from './links.ts';

export interface Fault {
  readonly name: string;
  /** Resolves to what ends it. */
  readonly begin: () => Promise<() => Promise<void>>;
}

const DIRECTIONS: readonly Direction[] = ['in', 'out', 'both'];
const DELAY_MS = 60;
const HOUR = 3_600;
/** By which they leave the programs whose names come before the colon; seconds. */
const JUMPS = { 'clock an hour ahead': HOUR, 'clock an hour behind': -HOUR } as const;

const plain = (name: string, begin: () => () => void): Fault => ({
  name,
  begin: async () => {
    const undo = begin();
    return async () => undo();
  },
});

/** None where the world's programs have the machine's own clock. */
const jumps = (world: HaWorld, who: Clocked): Fault[] =>
  world.hasClocks
    ? Object.entries(JUMPS).map(([what, seconds]) =>
        plain(`${who}: ${what}`, () => {
          world.jump(who, seconds);
          return () => world.jump(who, 0);
        }),
      )
    : [];

/** VRRP waits for three adverts, one each second, and a part of a fourth. */
const VRRP_MS = 3_250;

/** What would move the address has moved it by then. */
export const longerThanALease = async ({ driver }: HaWorld): Promise<void> => {
  await wait((driver === 'own' ? LEASE.promise : VRRP_MS) + 750);
};

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
    ...jumps(world, node),
  ];
};

export const engineFaults = (world: HaWorld): Fault[] => [
  {
    name: 'engine: killed',
    begin: async () => {
      await world.killEngine();
      return () => world.startEngine();
    },
  },
  plain('engine: stopped', () => {
    world.pauseEngine();
    return () => world.resumeEngine();
  }),
  ...jumps(world, 'engine'),
];

/**
 * Of which VRRP makes two holders, because it has no third one to ask, and nothing that takes the address from a host that
 * hangs: a node that is not heard, in whatever direction, and one that is frozen with its keepalived.
 */
const TWO_UNDER_VRRP = /: (frozen|cut, .*|not heard by .*)$/;

/** That the driver of this world promises to stand. */
export const allFaults = (world: HaWorld): Fault[] =>
  [...NODES.flatMap((node) => faultsOf(world, node)), ...engineFaults(world)].filter(
    ({ name }) => world.driver === 'own' || !TWO_UNDER_VRRP.test(name),
  );
