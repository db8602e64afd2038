/**
 * node agents.ts FILE PORT: every agent of a fleet in one process, each with the agent's own link, command desk and
 * reporter (src/agent/agent.ts). Three things differ from a real one, all on this side of the wire: what it measures is
 * made up, what it must not lose it keeps in memory (ten thousand disks are not here), and it signs with node:crypto
 * instead of @noble/ed25519 (ten thousand processors are not here either).
 */

import { syncBuiltinESMExports } from 'node:module';
import tls from 'node:tls';
import { Agent } from '../../src/agent/agent.ts';
import { RECONNECT } from '../../src/agent/backoff.ts';
import type { Credentials } from '../../src/agent/credentials.ts';
import { defineVerb } from '../../src/agent/verbs/verb.ts';
import { nothing } from '../../src/protocol/scalars.ts';
import { systemClock } from '../../src/sys/clock.ts';
import { credentialsOf } from './credentials.ts';
import { readFleet } from './enrolled.ts';
import { inventoryOf, sampleOf } from './machine.ts';
import { MemoryJournal } from './memory-journal.ts';

/** Agents that connect at once, at the first start only: a fleet is not born in one moment. */
const AT_ONCE = 48;

export interface FleetCount {
  readonly online: number;
  /** TLS handshakes so far. */
  readonly resumed: number;
  readonly full: number;
  /** Reasons why channels ended or could not be opened, with their number. */
  readonly troubles: Readonly<Record<string, number>>;
}

const handshakes = { resumed: 0, full: 0 };

/** Counts how the handshakes go: nothing in the link would tell. */
const watchHandshakes = (): void => {
  const { connect } = tls;
  tls.connect = ((...args: Parameters<typeof connect>) => {
    const socket = connect(...args);
    socket.once('secureConnect', () => {
      if (socket.isSessionReused()) handshakes.resumed++;
      else handshakes.full++;
    });
    return socket;
  }) as typeof connect;
  syncBuiltinESMExports();
};

const health = defineVerb({
  name: 'get_system_health',
  args: nothing,
  run: async () => ({ exitCode: null, value: { status: 'ok', checks: 12 } }),
});

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const troubles: Record<string, number> = {};
let online = 0;

/** Starts it; calls `arrived` when it is online for the first time. */
const start = (credentials: Credentials, index: number, arrived: () => void): void => {
  let isOnline = false;
  const agent = new Agent({
    credentials,
    machine: {
      agent_version: '0.1.0',
      hostname: `${credentials.membership.name}.example.net`,
      os: 'linux',
      arch: 'x64',
    },
    verbs: [health],
    journal: new MemoryJournal(),
    leftOver: [],
    setting: {
      environment: {},
      workingDirectory: '/',
      scriptDirectory: '/nonexistent',
      groups: { add: () => {}, remove: () => {} },
    },
    telemetry: { sample: async () => sampleOf(index) },
    inventory: { current: async () => inventoryOf(index), networks: async () => '' },
    clock: systemClock,
    log: quiet,
    onStatus({ state, error }) {
      if (error)
        troubles[`${error.code} ${error.detail ?? ''}`] =
          (troubles[`${error.code} ${error.detail ?? ''}`] ?? 0) + 1;
      const now = state === 'online';
      if (now !== isOnline) online += now ? 1 : -1;
      isOnline = now;
      if (now) arrived();
    },
  });
  void agent.start();
};

const main = (file: string, port: number): void => {
  watchHandshakes();
  const { head, agents } = readFleet(file);
  const all = agents.map((enrolled) => credentialsOf(enrolled, head, { host: '127.0.0.1', port }));
  let next = 0;
  const startNext = (): void => {
    const index = next++;
    const credentials = all[index];
    if (!credentials) return;
    let first = true;
    start(credentials, index, () => {
      if (first) startNext();
      first = false;
    });
  };
  process.on('message', (asked: 'connect' | 'count' | 'forget sessions') => {
    if (asked === 'connect') for (let i = 0; i < AT_ONCE; i++) startNext();
    else if (asked === 'forget sessions') for (const credentials of all) credentials.session = undefined;
    process.send!({ online, ...handshakes, troubles } satisfies FleetCount);
  });
  process.on('disconnect', () => process.exit(0));
  process.send!({ backoff: RECONNECT });
};

const [file, port] = process.argv.slice(2);
main(file!, Number(port));
