/** One signed command to every device, from the request to the last verified result in the store. */
import type { Benchmark } from './bench.ts';
import { type Fleet, fleetOf } from './fleet/fleet.ts';
import { median } from './measure.ts';
import { cpuMs } from './processes.ts';

const ROUNDS = 5;
const LOOK_MS = 20;

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
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
};

export const benchmark: Benchmark = {
  name: 'commands',
  summary: 'a signed command to every device',
  async run(ground) {
    const { fleet, floor } = await fleetOf(ground);
    const ours: number[] = [];
    const theirs: number[] = [];
    const used = { engine: [] as number[], floor: [] as number[], agents: [] as number[] };
    for (let i = 0; i < (ground.settings.quick ? 2 : ROUNDS); i++) {
      const [engine, agents] = [cpuMs(fleet.engine.pid), cpuMs(fleet.agents.pid!)];
      ours.push(await round(fleet));
      used.engine.push((cpuMs(fleet.engine.pid) - engine) / fleet.size);
      used.agents.push((cpuMs(fleet.agents.pid!) - agents) / fleet.size);
      const bare = cpuMs(floor.server.pid!);
      theirs.push(await floor.commands());
      used.floor.push((cpuMs(floor.server.pid!) - bare) / fleet.size);
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
