/** One signed command to every device, from the request to the last verified result in the store. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark } from './bench.ts';
import { type Fleet, type Floor, fleetOf } from './fleet/fleet.ts';
import { median } from './measure.ts';
import { cpuMs } from './processes.ts';

const ROUNDS = 5;
/** The store says when a job ended: looking more often would only take time from what is measured. */
const LOOK_MS = 100;
/** In which those that stood still say what they did not say meanwhile. */
const SETTLE_MS = 2_000;

/** Milliseconds. */
const round = async ({ client, size }: Fleet): Promise<number> => {
  const begun = Date.now();
  const { id } = await client.call('job.create', {
    work: { kind: 'verb', verb: 'get_system_health', args: {} },
    all: true,
  });
  for (;;) {
    const { items } = await client.call('job.list', { limit: 1 });
    const job = items.find((one) => one.id === id);
    if (job?.finished_at) {
      if (job.counts.succeeded !== size) throw new Error(`it did not succeed: ${JSON.stringify(job.counts)}`);
      return Date.parse(job.finished_at) - begun;
    }
    await sleep(LOOK_MS);
  }
};

/**
 * One side while the other stands still: both hold ten thousand sockets, whose heartbeats take their part of two cores, and
 * neither is a part of the other's round.
 */
const alone = async <T>(others: readonly number[], measure: () => Promise<T>): Promise<T> => {
  await sleep(SETTLE_MS);
  for (const pid of others) process.kill(pid, 'SIGSTOP');
  try {
    return await measure();
  } finally {
    for (const pid of others) process.kill(pid, 'SIGCONT');
  }
};
const pidsOf = (side: Fleet | Floor): readonly number[] =>
  'engine' in side ? [side.engine.pid, side.agents.pid!] : [side.server.pid!, side.clients.pid!];

export const benchmark: Benchmark = {
  name: 'commands',
  summary: 'a signed command to every device',
  async run(ground) {
    const { fleet, floor } = await fleetOf(ground);
    const ours: number[] = [];
    const theirs: number[] = [];
    const used = { engine: [] as number[], floor: [] as number[], agents: [] as number[] };
    for (let i = 0; i < (ground.settings.quick ? 2 : ROUNDS); i++) {
      await alone(pidsOf(floor), async () => {
        const [engine, agents] = [cpuMs(fleet.engine.pid), cpuMs(fleet.agents.pid!)];
        ours.push(await round(fleet));
        used.engine.push((cpuMs(fleet.engine.pid) - engine) / fleet.size);
        used.agents.push((cpuMs(fleet.agents.pid!) - agents) / fleet.size);
      });
      await alone(pidsOf(fleet), async () => {
        const bare = cpuMs(floor.server.pid!);
        theirs.push(await floor.commands());
        used.floor.push((cpuMs(floor.server.pid!) - bare) / fleet.size);
      });
    }
    ground.say(`rounds: ${ours.map(Math.round).join(' ')} ms; floor: ${theirs.map(Math.round).join(' ')} ms`);
    const rate = (ms: number[]): number => (fleet.size * 1_000) / median(ms);
    return [
      {
        what: `commands to ${fleet.size} devices, results stored`,
        unit: '/s',
        measured: rate(ours),
        floor: rate(theirs),
        floorOf: 'bare signatures, sockets and rows',
        promised: { atLeast: 2_500 },
        note: 'the agents, which answer in the same second, have the other core.',
      },
      {
        what: 'processor time of the engine a command',
        unit: 'ms',
        measured: median(used.engine),
        floor: median(used.floor),
        floorOf: 'bare signatures, sockets and rows',
        note: `the agents take ${median(used.agents).toFixed(2)} ms a command. This holds on a machine that is shared, where the rate does not.`,
      },
    ];
  },
};
