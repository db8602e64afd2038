/**
 * node fleet.ts FILE HOST PORT DIRECTORY: agents with tunnels, all in one process, each with the agent's own link and
 * tunnel (src/agent/tunnel); only WireGuard is made by hand. Says `started` when all have been.
 */
import { join } from 'node:path';
import { Agent } from '../../src/agent/agent.ts';
import { SeenTokens } from '../../src/agent/port/seen-tokens.ts';
import { DeviceEnd } from '../../src/agent/tunnel/device-end.ts';
import { AgentTunnels } from '../../src/agent/tunnel/tunnels.ts';
import { systemClock as clock } from '../../src/sys/clock.ts';
import { generateKeyPair } from '../../src/wg/keys.ts';
import { credentialsOf } from '../fleet/credentials.ts';
import { type EnrolledAgent, type FleetHead, readFleet } from '../fleet/enrolled.ts';
import { keptKeys } from '../fleet/kept-keys.ts';
import { sampleOf } from '../fleet/machine.ts';
import { MemoryJournal } from '../fleet/memory-journal.ts';
import { HandMadeWireGuard } from './hand-made.ts';

const AT_ONCE = 32;
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const [file, host, port, directory] = process.argv.slice(2) as [string, string, string, string];

const start = (enrolled: EnrolledAgent, head: FleetHead, index: number): Promise<void> => {
  const credentials = credentialsOf(enrolled, head, { host, port: Number(port) });
  const { guid, context, signingKey, signingKeyId } = credentials.membership;
  const { privateKey, publicKey } = generateKeyPair();
  const interfaceName = 'borealis1';
  const online = Promise.withResolvers<void>();
  const agent = new Agent({
    credentials,
    machine: { agent_version: '0.1.0', hostname: enrolled.name, os: 'linux', arch: 'x64' },
    verbs: [],
    journal: new MemoryJournal(),
    leftOver: [],
    setting: {
      environment: {},
      workingDirectory: '/',
      scriptDirectory: '/nonexistent',
      groups: { add: () => {}, remove: () => {} },
    },
    telemetry: { sample: async () => sampleOf(index) },
    inventory: null,
    tunnels: (uplink) =>
      new AgentTunnels({
        trust: { guid, context, signingKey, signingKeyId, ed: keptKeys },
        credentials,
        end: new DeviceEnd({
          network: new HandMadeWireGuard(),
          interfaceName,
          privateKey,
          uses: async () => [],
        }),
        publicKey,
        seen: new SeenTokens({
          open: async () => [],
          append: async () => {},
          prune: async () => {},
          close: async () => {},
        }),
        sessionFile: join(directory, `${index}.session`),
        uplink,
        listener: { up: () => {}, down: () => {} },
        clock,
        log,
      }),
    clock,
    log,
    onStatus: ({ state }) => {
      if (state === 'online') online.resolve();
    },
  });
  void agent.start();
  return online.promise;
};

const main = async (): Promise<void> => {
  const { head, agents } = readFleet(file);
  let next = 0;
  const some = async (): Promise<void> => {
    for (let index = next++; index < agents.length; index = next++) await start(agents[index]!, head, index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  process.stdout.write('started\n');
};
await main();
