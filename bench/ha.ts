/** Failover in the lab, ours beside keepalived with plain WireGuard: a ping each 10 ms, a TCP stream running through. */
import { commandExists, isRoot } from '../scripts/debian.ts';
import type { Bastions, NodeName } from '../test/lab/ha/bastions.ts';
import { HaWorld } from '../test/lab/ha/ha-world.ts';
import { KeepalivedPair } from '../test/lab/ha/keepalived.ts';
import { now } from '../test/lab/ha/observer.ts';
import type { Outage } from '../test/lab/ha/pings.ts';
import type { TcpStream } from '../test/lab/ha/tcp-stream.ts';
import type { Benchmark, Ground } from './bench.ts';
import { median } from './measure.ts';
import type { Row } from './row.ts';

/** Of what is told by its median, so many rounds are enough; the worst of ours wants them all. */
const ENOUGH = { floor: 5, shortest: 10 };
/** TCP tries again after twice the time that it was silent, at most. */
const STREAM_MS = 20_000;
const NEEDED = ['ip', 'nft', 'wg', 'wg-quick', 'wireguard-go', 'nsenter', 'keepalived'];
const KINDS = { killed: 'agent killed', frozen: 'host frozen', cut: 'link cut' } as const;
type Kind = keyof typeof KINDS;
const kinds = Object.keys(KINDS) as Kind[];
interface Gaps extends Record<Kind | 'planned', number[]> {
  /** Streams that did not live on, moments from which on two had the address. */
  broken: number;
  doubles: number;
}
const none = (): Gaps => ({ killed: [], frozen: [], cut: [], planned: [], broken: 0, doubles: 0 });

export const benchmark: Benchmark = {
  name: 'ha',
  summary:
    'how long a client of a pair gets no answer: killed, frozen, cut, handed over; ours and keepalived',
  async run(ground) {
    const missing = NEEDED.filter((name) => !commandExists(name));
    if (!isRoot() || missing.length > 0) {
      ground.say(`needs root, and ${missing.join(', ') || 'nothing else'}`);
      return [];
    }
    const rounds = ground.settings.quick ? 1 : ground.settings.rounds;
    const floor = await plain(ground, Math.min(rounds, ENOUGH.floor));
    const ours = await borealis(ground, rounds, undefined);
    const shortest = await borealis(ground, Math.min(rounds, ENOUGH.shortest), 1);
    return [
      ...kinds.flatMap((kind) => rowsOf(kind, ours, shortest, floor)),
      plannedRow(ours, floor),
      ...neverRows([ours, shortest], floor),
    ];
  },
};

const worst = (values: readonly number[]): number => Math.max(...values);
const from = (bastions: Bastions): NodeName => (bastions.watch.holders.includes('north') ? 'north' : 'south');

const tell = (ground: Ground, who: string, what: string, { silence, lost, pause }: Outage): number => {
  ground.say(`${who}, ${what}: ${Math.round(silence)} ms, ${lost} lost (${Math.round(pause)} ms not asked)`);
  return silence;
};

const borealis = async (ground: Ground, rounds: number, lease: number | undefined): Promise<Gaps> => {
  const world = await HaWorld.start(lease === undefined ? {} : { lease });
  ground.atEnd(() => world.end());
  const { bastions } = world;
  const who = lease === undefined ? 'ours' : `ours, lease ${lease} s`;
  let stream: TcpStream = bastions.streamToSite();
  await stream.flow(0);
  const gaps = none();
  /** Begins a fault; resolves to what ends it. */
  const begin: Record<Kind, (node: NodeName) => Promise<() => void | Promise<void>>> = {
    killed: async (node) => {
      await world.killAgent(node);
      return () => world.startAgent(node);
    },
    frozen: async (node) => {
      world.freeze(node);
      return () => world.thaw(node);
    },
    cut: async (node) => bastions.links.outer(node, 'both'),
  };
  /** The stream has to live on; a dead one is told of, and another one made, so that the rest is measured. */
  const after = async (what: string): Promise<void> => {
    try {
      await stream.flow(now(), STREAM_MS);
    } catch (error) {
      gaps.broken += 1;
      ground.say(`${who}, ${what}: THE TCP STREAM DID NOT LIVE ON: ${String(error)}`);
      await stream.end();
      stream = bastions.streamToSite();
      await stream.flow(now());
    }
    await world.ok();
  };
  await world.ok();
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) {
      let end: () => void | Promise<void> = () => undefined;
      const fault = async (): Promise<void> => {
        end = await begin[kind](from(bastions));
      };
      gaps[kind].push(tell(ground, who, KINDS[kind], await bastions.outage(from(bastions), fault)));
      await end();
      await after(KINDS[kind]);
    }
    const handOver = async (): Promise<void> => void (await world.ha('switch'));
    gaps.planned.push(tell(ground, who, 'planned', await bastions.outage(from(bastions), handOver)));
    await after('planned');
  }
  gaps.doubles = bastions.watch.doubles.length;
  if (gaps.doubles > 0)
    ground.say(`${who}: TWO HAD THE ADDRESS, ${gaps.doubles} times:\n${bastions.watch.told()}`);
  await world.end();
  return gaps;
};

const plain = async (ground: Ground, rounds: number): Promise<Gaps> => {
  const pair = await KeepalivedPair.start();
  ground.atEnd(() => pair.end());
  const { bastions } = pair;
  const begin: Record<Kind | 'planned', (node: NodeName) => Promise<() => void | Promise<void>>> = {
    killed: async (node) => {
      await pair.kill(node);
      return () => pair.restart(node);
    },
    frozen: async (node) => {
      pair.freeze(node);
      return () => pair.thaw(node);
    },
    cut: async (node) => bastions.links.outer(node, 'both'),
    planned: async (node) => {
      await pair.stop(node);
      return () => pair.restart(node);
    },
  };
  const gaps = none();
  for (let round = 0; round < rounds; round++) {
    for (const kind of [...kinds, 'planned'] as const) {
      let end: () => void | Promise<void> = () => undefined;
      const fault = async (): Promise<void> => {
        end = await begin[kind](from(bastions));
      };
      const what = kind === 'planned' ? kind : KINDS[kind];
      gaps[kind].push(tell(ground, 'keepalived', what, await bastions.outage(from(bastions), fault)));
      await end();
      await pair.reset();
    }
  }
  gaps.doubles = bastions.watch.doubles.length;
  await pair.end();
  return gaps;
};

const FLOOR = 'keepalived, plain WireGuard';

const rowsOf = (kind: Kind, ours: Gaps, shortest: Gaps, floor: Gaps): Row[] => {
  const what = `failover, ${KINDS[kind]}`;
  const [base, unit] = [{ floor: median(floor[kind]), floorOf: FLOOR }, 'ms' as const];
  const count = `of ${ours[kind].length}`;
  return [
    { what: `${what}: median`, unit, measured: median(ours[kind]), ...base, promised: { atMost: 2_500 } },
    {
      what: `${what}: against the floor`,
      unit,
      measured: median(ours[kind]),
      ...base,
      promised: { ratio: 0.15 },
    },
    {
      what: `${what}: worst ${count}`,
      unit,
      measured: worst(ours[kind]),
      floor: worst(floor[kind]),
      floorOf: `${FLOOR}, worst`,
      promised: { atMost: 3_500 },
    },
    {
      what: `${what}: median, lease 1 s`,
      unit,
      measured: median(shortest[kind]),
      ...base,
      promised: { atMost: 1_600 },
    },
  ];
};

const plannedRow = (ours: Gaps, floor: Gaps): Row => ({
  what: 'planned switch: worst',
  unit: 'ms',
  measured: worst(ours.planned),
  floor: median(floor.planned),
  floorOf: `${FLOOR}, keepalived ended in order`,
  promised: { atMost: 100 },
  note: `median ${median(ours.planned).toFixed(0)} ms.`,
});

/** What must not happen once. */
const neverRows = (ours: readonly Gaps[], floor: Gaps): Row[] => {
  const switches = (gaps: readonly Gaps[]): number =>
    gaps.flatMap((one) => [...kinds, 'planned' as const].flatMap((kind) => one[kind])).length;
  const sum = (key: 'broken' | 'doubles'): number => ours.reduce((all, one) => all + one[key], 0);
  const promised = { atMost: 0 };
  return [
    {
      what: 'a TCP stream did not live on',
      unit: 'times',
      measured: sum('broken'),
      floor: switches(ours),
      floorOf: 'switches',
      promised,
    },
    {
      what: 'two had the address at once',
      unit: 'times',
      measured: sum('doubles'),
      floor: switches(ours),
      floorOf: 'switches',
      promised,
      note: `under keepalived ${floor.doubles} times in ${switches([floor])} switches.`,
    },
  ];
};
