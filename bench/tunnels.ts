/**
 * Tunnels in the lab: how soon the first byte passes, how much, and what blocked UDP costs. Needs root and iperf3. Its parts
 * are diff, connect, flow and many.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { commandExists, isRoot } from '../scripts/debian.ts';
import type { Tunnel } from '../src/protocol/tunnel.ts';
import type { Host } from '../test/lab/host.ts';
import { echoServer } from '../test/lab/inside.ts';
import { Lab } from '../test/lab/lab.ts';
import { Process } from '../test/lab/processes.ts';
import type { Benchmark } from './bench.ts';
import { inTurns, median } from './measure.ts';
import { binary } from './processes.ts';
import type { Row } from './row.ts';
import { ByHand, firstByte, on, timeOf } from './tunnels/by-hand.ts';
import { diffRow } from './tunnels/diff.ts';
import { type Flow, flow, IPERF_PORT, serveIperf } from './tunnels/iperf.ts';
import { manyRows } from './tunnels/many.ts';

const ADDRESS = '10.255.0.2';
const ECHO = 22;
const FORWARD = 15_201;
const PIPE = 15_202;
const NEEDED = ['ip', 'nft', 'wg', 'wireguard-go', 'nsenter', 'bash', 'iperf3'];

export const benchmark: Benchmark = {
  name: 'tunnels',
  summary: 'connecting, throughput by UDP and through the relay',
  async run(ground) {
    const { quick, part } = ground.settings;
    const wants = (name: string): boolean => part === undefined || part === name;
    const rows = wants('diff') ? [await diffRow(quick ? 3 : 15)] : [];
    const missing = NEEDED.filter((name) => !commandExists(name));
    if (!isRoot() || missing.length > 0) {
      ground.say(`the rest needs root, and ${missing.join(', ') || 'nothing else'}`);
      return rows;
    }
    if (wants('connect') || wants('flow')) {
      const lab = await Lab.start(['north']);
      ground.atEnd(() => lab.dispose());
      const engine = await lab.startEngine();
      const agent = await lab.startDevice('north');
      await Promise.all([echoServer(lab.device('north'), ECHO), serveIperf(lab.device('north'))]);
      await lab.json(['tunnel', 'ports', 'north', '--set', `${ECHO},${IPERF_PORT},47001`]);
      if (wants('connect')) rows.push(await connecting(lab, ground.directory('by-hand'), quick ? 2 : 9));
      const size = quick ? { rounds: 1, seconds: 2 } : { rounds: 5, seconds: 5 };
      if (wants('flow')) rows.push(...(await throughput(lab, [engine.pid!, agent.pid!], size)));
      await lab.dispose();
    }
    if (wants('many')) rows.push(...(await manyRows(ground)));
    return rows;
  },
};

const connecting = async (lab: Lab, directory: string, rounds: number): Promise<Row> => {
  const byHand = new ByHand(lab.engine, lab.device('north'), directory, ECHO);
  const ours = on(
    lab.engine,
    `${binary('borealisctl')} tunnel connect north >/dev/null\n${firstByte(ADDRESS, ECHO)}`,
  );
  const taken = await inTurns(rounds, {
    ours: async () => {
      const took = timeOf(ours, { BOREALIS_SOCKET: lab.socket, HOME: '/' });
      await lab.json(['tunnel', 'disconnect', 'north']);
      while (lab.device('north').run('ip', '-brief', 'link').includes('borealis')) await sleep(20);
      return took;
    },
    byHand: () => {
      const took = byHand.connect();
      byHand.disconnect();
      return took;
    },
  });
  return {
    what: '`tunnel connect` to the first byte through it',
    unit: 'ms',
    measured: median(taken.ours),
    floor: median(taken.byHand),
    floorOf: 'ip, wg, nft in one script',
    promised: { ratio: 2 },
    note: 'both with the start of their programs; wireguard-go; interfaces and tables of both ends are made anew.',
  };
};

interface Size {
  readonly rounds: number;
  readonly seconds: number;
}

const throughput = async (lab: Lab, ends: readonly number[], { rounds, seconds }: Size): Promise<Row[]> => {
  const from = lab.engine;
  await lab.json<Tunnel>(['tunnel', 'connect', 'north']);
  const forward = lab.operator(['tunnel', 'forward', 'north', `${FORWARD}:${IPERF_PORT}`]);
  await forward.until(({ stdout }) => stdout.includes(String(FORWARD)), 'it forwards');
  const pipe = await barePipe(from);
  const direct = { address: ADDRESS, port: IPERF_PORT };
  const ways = {
    link: { to: direct },
    forward: { to: { address: '127.0.0.1', port: FORWARD }, pids: [forward.pid!] },
    pipe: { to: { address: '127.0.0.1', port: PIPE }, pids: [pipe.pid!] },
  };
  const measure = async (reverse: boolean) => {
    const flows: Record<keyof typeof ways, Flow[]> = { link: [], forward: [], pipe: [] };
    const one = (name: keyof typeof ways) => async () => {
      flows[name].push(await flow({ from, seconds, reverse, ...ways[name] }));
      return 0;
    };
    await inTurns(rounds, { link: one('link'), forward: one('forward'), pipe: one('pipe') });
    return flows;
  };
  const [up, down] = [await measure(false), await measure(true)];
  await forward.kill('SIGINT');
  await pipe.kill('SIGTERM');

  const blocked = await untilRelayed(lab);
  const relayed: Record<'up' | 'down', Flow[]> = { up: [], down: [] };
  for (let round = 0; round < rounds; round += 1) {
    relayed.up.push(await flow({ from, to: direct, seconds, pids: ends }));
    relayed.down.push(await flow({ from, to: direct, seconds, pids: ends, reverse: true }));
  }
  lab.network.heal();
  return [
    ...forwardRows('to the device', up),
    ...forwardRows('from the device', down),
    {
      what: 'UDP blocked: to the first connection through the relay',
      unit: 'ms',
      measured: blocked,
      floor: 2_000,
      floorOf: 'the silence that is waited for',
      promised: { atMost: 3_000 },
    },
    relayRow('to the device', relayed.up, up.link),
    relayRow('from the device', relayed.down, down.link),
  ];
};

/** Milliseconds. */
const untilRelayed = async (lab: Lab): Promise<number> => {
  lab.network.dropUdp();
  const begun = performance.now();
  // A fresh connection each time: one that was begun before waits for TCP's own timer.
  const attempt = `timeout 0.3 ${firstByte(ADDRESS, ECHO)}`;
  timeOf(on(lab.engine, `until ${attempt} 2>/dev/null; do sleep 0.02; done`));
  const took = performance.now() - begun;
  const { transport } = await lab.json<Tunnel>(['tunnel', 'status', 'north']);
  if (transport !== 'relay') throw new Error(`UDP is blocked, and the tunnel goes by ${transport}`);
  return took;
};

const barePipe = async (host: Host): Promise<Process> => {
  const file = `${import.meta.dirname}/tunnels/pipe.ts`;
  const args = ['--no-warnings', file, String(PIPE), ADDRESS, String(IPERF_PORT)];
  const pipe = new Process(process.execPath, args, {}, { within: host.enter });
  await pipe.until(({ stdout }) => stdout.includes('listens'), 'it listens');
  return pipe;
};

const rateOf = (flows: readonly Flow[]): number => median(flows.map(({ rate }) => rate));
const cpuOf = (flows: readonly Flow[], index = 0): number => median(flows.map(({ cpu }) => cpu[index]!));

const forwardRows = (
  way: string,
  { link, forward, pipe }: Record<'link' | 'forward' | 'pipe', Flow[]>,
): Row[] => [
  {
    what: `\`tunnel forward\`, ${way}`,
    unit: 'MB/s',
    measured: rateOf(forward),
    floor: rateOf(link),
    floorOf: 'the wireguard-go link, iperf3',
    promised: { ratio: 1 / 0.85 },
    note: `a bare Node pipe in its place: ${rateOf(pipe).toFixed(1)} MB/s.`,
  },
  {
    what: `\`tunnel forward\`, ${way}: processor`,
    unit: 's/GB',
    measured: cpuOf(forward),
    floor: cpuOf(pipe),
    floorOf: 'a bare Node pipe',
    promised: { atMost: 1.5 },
  },
];

const relayRow = (way: string, relayed: readonly Flow[], link: readonly Flow[]): Row => ({
  what: `through the relay, ${way}`,
  unit: 'MB/s',
  measured: rateOf(relayed),
  floor: rateOf(link),
  floorOf: 'the wireguard-go link, iperf3',
  promised: { ratio: 2 },
  note: `processor: engine ${cpuOf(relayed).toFixed(1)} s/GB, agent ${cpuOf(relayed, 1).toFixed(1)} s/GB.`,
});
