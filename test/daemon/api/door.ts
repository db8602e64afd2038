/** The local API alone, on a real socket, with handlers that a test brings. */
import { join } from 'node:path';
import pino from 'pino';
import { Gate } from '../../../src/daemon/api/gate.ts';
import { ApiServer } from '../../../src/daemon/api/server.ts';
import { Refusals } from '../../../src/daemon/audit/refusals.ts';
import { AuditTrail } from '../../../src/daemon/audit/trail.ts';
import type { Handlers, OperationName } from '../../../src/daemon/capability.ts';
import { Callers, type PeerSource } from '../../../src/daemon/identity/callers.ts';
import { kernelPeers } from '../../../src/daemon/identity/peers.ts';
import { Grants } from '../../../src/daemon/users/grants.ts';
import { systemClock } from '../../../src/sys/clock.ts';
import { openStore } from '../../store/open.ts';
import { type Answer, callSocket, Watching } from '../engine.ts';

export const openDoor = async (
  handlers: Partial<Handlers<OperationName>>,
  { peers = kernelPeers, pingMs = 30_000 }: { peers?: PeerSource; pingMs?: number } = {},
) => {
  const open = await openStore();
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const trail = new AuditTrail(systemClock);
  const grants = new Grants();
  const gate = new Gate(
    new Callers(peers, grants, process.geteuid?.() ?? -1),
    new Refusals(open.store, trail, systemClock),
    log,
  );
  const api = new ApiServer({ handlers, gate, store: open.store, trail, log, pingMs });
  const path = join(open.directory, 'run', 's.sock');
  await api.start({ path, gid: null, state: open.directory });
  return {
    api,
    grants,
    path,
    lines,
    store: open.store,
    call: (
      method: string,
      at: string,
      body?: object | Buffer,
      headers?: Record<string, string>,
    ): Promise<Answer> => callSocket(path, method, `/api/v1${at}`, body, headers),
    watch: (at: string): Watching => new Watching(path, at),
    close: async (): Promise<void> => {
      await api.close();
      await open.close();
    },
  };
};
export type Door = Awaited<ReturnType<typeof openDoor>>;
