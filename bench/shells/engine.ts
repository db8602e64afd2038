/**
 * The engine's shells in a process of their own: real store, real socket, recordings on disk. Tunnels lead over the
 * loopback, since what WireGuard costs is measured elsewhere.
 *
 *   node bench/shells/engine.ts STATE PORT GUID
 */
import { join } from 'node:path';
import pino from 'pino';
import { Gate } from '../../src/daemon/api/gate.ts';
import { ApiServer } from '../../src/daemon/api/server.ts';
import { Refusals } from '../../src/daemon/audit/refusals.ts';
import { AuditTrail } from '../../src/daemon/audit/trail.ts';
import { EventLog } from '../../src/daemon/events/log.ts';
import { Callers } from '../../src/daemon/identity/callers.ts';
import { kernelPeers } from '../../src/daemon/identity/peers.ts';
import { KeyRing } from '../../src/daemon/keys/key-ring.ts';
import { Recordings } from '../../src/daemon/recordings/recordings.ts';
import { createShells } from '../../src/daemon/shells/create.ts';
import type { Tunnels } from '../../src/daemon/tunnels/tunnels.ts';
import { Grants } from '../../src/daemon/users/grants.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { systemClock as clock } from '../../src/sys/clock.ts';
import { diskUsage } from '../../src/sys/disk.ts';

const [state, port, guid] = process.argv.slice(2) as [string, string, string];

const tunnels = (): Tunnels => {
  const session = { tunnelId: 'benchbenchbench1', guid, device: 'bench', address: '127.0.0.1' };
  return {
    open: async () => session,
    current: () => session,
    used: () => {},
    allow: async () => ({ close: () => {}, withdrawn: new Promise(() => {}) }),
    onChange: () => () => {},
  };
};

const main = async (): Promise<void> => {
  const store = await SqliteStore.open(join(state, 'borealis.db'));
  const keys = await KeyRing.open(store, join(state, 'master.key'), clock);
  const events = new EventLog(clock);
  const trail = new AuditTrail(clock);
  const log = pino({ level: 'warn' }, pino.destination(2));
  const recordings = new Recordings({ state, keys, clock, diskUsage });
  const shells = createShells({
    store,
    events,
    clock,
    keys,
    log,
    recordings,
    tunnels: tunnels(),
    recordShells: () => true,
    port: Number(port),
  });
  await shells.start();
  const callers = new Callers(kernelPeers, new Grants(), process.geteuid!());
  const gate = new Gate(callers, new Refusals(store, trail, clock), log);
  const api = new ApiServer({ handlers: shells.operations, gate, store, trail, log });
  await api.start({ path: join(state, 'run', 'borealisd.sock'), gid: null, state });
  process.send!('ready');
};

await main();
