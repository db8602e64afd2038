/** VPN services with thousands of connections, in the lab: one more, all from nothing, and all of them taken over. */
import { commandExists, isRoot } from '../scripts/debian.ts';
import { Lab } from '../test/lab/lab.ts';
import type { Benchmark } from './bench.ts';
import { median } from './measure.ts';
import type { Row } from './row.ts';
import { addingRow } from './vpn/adding.ts';
import { takeoverRow } from './vpn/takeover.ts';

const NEEDED = ['ip', 'nft', 'wg', 'wireguard-go', 'nsenter'];

export const benchmark: Benchmark = {
  name: 'vpn',
  summary: '5,000 connections in a service, 1,000 clients of a pair',
  async run(ground) {
    const missing = NEEDED.filter((name) => !commandExists(name));
    if (!isRoot() || missing.length > 0) {
      ground.say(`needs root, and ${missing.join(', ') || 'nothing else'}`);
      return [];
    }
    const { quick, rounds } = ground.settings;
    const many = quick ? 500 : 5_000;
    return [
      await addingRow(ground, 'engine', many, quick ? 5 : 21),
      await addingRow(ground, 'device', many, quick ? 5 : 21),
      await fromNothingRow(many, quick ? 1 : rounds),
      await takeoverRow(ground, quick ? 100 : 1_000, quick ? 1 : rounds),
    ];
  },
};

const fromNothingRow = async (count: number, rounds: number): Promise<Row> => {
  const lab = await Lab.start([]);
  try {
    const program = `${import.meta.dirname}/vpn/from-nothing.ts`;
    const args = ['--no-warnings', program, String(count), String(rounds)];
    const printed = lab.engine.run(process.execPath, ...args);
    const { ours, floor } = JSON.parse(printed) as Record<'ours' | 'floor', number[]>;
    return {
      what: `${count.toLocaleString('en')} connections from nothing: interface, addresses, firewall, peers`,
      unit: 'ms',
      measured: median(ours),
      floor: median(floor),
      floorOf: '`wg setconf` of the same peers, of an interface that is there',
      promised: { ratio: 2 },
    };
  } finally {
    await lab.dispose();
  }
};
