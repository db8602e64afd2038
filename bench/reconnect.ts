/** The engine is killed and started again: how long until every agent is back. */
import type { Benchmark } from './bench.ts';
import { fleetOf } from './fleet/fleet.ts';
import type { Row } from './row.ts';

export const benchmark: Benchmark = {
  name: 'reconnect',
  summary: 'all agents back after a restart of the engine',
  async run(ground) {
    const { fleet, floor } = await fleetOf(ground);
    const rows: Row[] = [];
    for (const resuming of [true, false]) {
      const found = [];
      for (const one of [fleet, floor]) {
        const before = await one.count();
        if (!resuming) await one.forgetSessions();
        const took = await one.restart();
        const after = await one.count();
        const [resumed, full] = [after.resumed - before.resumed, after.full - before.full];
        ground.say(
          `${one === fleet ? 'agents' : 'floor'}: ${took.toFixed(1)} s, ${resumed} resumed, ${full} full handshakes`,
        );
        found.push({ took, resumed, full });
      }
      const [ours, theirs] = found;
      rows.push({
        what: `all ${fleet.size} agents back, ${resuming ? 'TLS sessions resumed' : 'full handshakes'}`,
        unit: 's',
        measured: ours!.took,
        floor: theirs!.took,
        floorOf: 'bare sockets',
        ...(resuming && { promised: { atMost: 30 } }),
        note: `${ours!.resumed} handshakes resumed, ${ours!.full} full; from the kill on.`,
      });
    }
    return rows;
  },
};
