/** What an agent costs the engine: memory while it is connected, processor time while it reports. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark } from './bench.ts';
import { fleetOf } from './fleet/fleet.ts';
import { cpuMs, residentKib } from './processes.ts';

/** Until every agent has reported twice and what connecting took has been let go. */
const SETTLE_MS = 60_000;
const WINDOW_MS = 60_000;

export const benchmark: Benchmark = {
  name: 'agents',
  summary: 'memory and processor time of connected agents',
  async run(ground) {
    const { agents, quick } = ground.settings;
    const { fleet, floor } = await fleetOf(ground);
    ground.say('letting them report');
    await sleep(quick ? SETTLE_MS / 4 : SETTLE_MS);
    const window = quick ? WINDOW_MS / 2 : WINDOW_MS;
    const pids = [fleet.engine.pid, floor.server.pid!] as const;
    const before = pids.map(cpuMs);
    const begun = performance.now();
    await sleep(window);
    const elapsed = (performance.now() - begun) / 1_000;
    const [engine, bare] = pids.map((pid, i) => (cpuMs(pid) - before[i]!) / elapsed);
    const memory = (pid: number, base: number): number => (residentKib(pid) - base) / agents;
    const { online, troubles } = await fleet.count();
    if (online < agents) ground.say(`only ${online} are online: ${JSON.stringify(troubles)}`);
    return [
      {
        what: `resident memory of an agent, ${agents} of them`,
        unit: 'KiB',
        measured: memory(pids[0], fleet.baseKib),
        floor: memory(pids[1], floor.baseKib),
        floorOf: 'bare mTLS ws',
        promised: { atMost: 80 },
        note: `over the engine’s own ${Math.round(fleet.baseKib / 1024)} MiB`,
      },
      {
        what: 'heartbeats and telemetry, stored',
        unit: 'ms/s',
        measured: engine!,
        floor: bare!,
        floorOf: 'bare sockets, the same messages',
        promised: { ratio: 2 },
        note: `milliseconds of one core a second, both at once for ${Math.round(elapsed)} s.`,
      },
    ];
  },
};
