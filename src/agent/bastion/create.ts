/** Puts the hosting of VPN services together, where this device can do it. */
import { nobleEd25519 } from '../../crypto/ed25519.ts';
import type { Clock } from '../../sys/clock.ts';
import { runCommand } from '../../sys/command.ts';
import { linuxForwarding } from '../../wg/forwarding.ts';
import { createNetwork } from '../../wg/network.ts';
import { linuxSystem } from '../../wg/system.linux.ts';
import type { Uplink } from '../channel.ts';
import type { Credentials } from '../credentials.ts';
import { clearDuty, openDuty } from '../ha/open.ts';
import type { AgentLog } from '../log.ts';
import { SeenTokens } from '../port/seen-tokens.ts';
import { SeenLog } from '../seen-log.ts';
import type { ContextPaths } from '../state.ts';
import { missingPrograms } from '../tunnel/create.ts';
import { AgentBastion } from './bastion.ts';
import { conntrackLeniency } from './conntrack.linux.ts';
import { KeptServices } from './kept.ts';
import { SealKey } from './seal-key.ts';

export interface CreateParts {
  readonly paths: ContextPaths;
  readonly credentials: Credentials;
  /** Of the key under which services are kept (seal-key.ts). */
  readonly sealKey: string;
  /** PATH of the agent. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: AgentLog;
}

/** What the interfaces of services begin with, here as on the engine's host. */
const INTERFACES = 'bvpn';

/** Undefined where this agent can host none: then HELLO does not say so, and the engine tells whoever asks. */
export const createBastion = (parts: CreateParts): ((uplink: Uplink) => AgentBastion) | undefined => {
  const { paths, credentials, sealKey, path, clock, log } = parts;
  if (paths.context !== 'system' || process.platform !== 'linux' || process.geteuid?.() !== 0)
    return undefined;
  if (missingPrograms(['ip', 'nft', 'wg'], path).length > 0) return undefined;
  const { guid, context, signingKey, signingKeyId } = credentials.membership;
  const kept = new KeptServices({ directory: paths.bastion, key: new SealKey(sealKey), log });
  const memory = kept.forwarding;
  const forwarding = linuxForwarding(
    { memory, run: runCommand, table: 'borealis_agent_forward' },
    INTERFACES,
  );
  const leniency = conntrackLeniency(kept.leniency);
  return (uplink) =>
    new AgentBastion({
      trust: { guid, context, signingKey, signingKeyId, ed: nobleEd25519 },
      kept,
      seen: new SeenTokens(new SeenLog(paths.bastionSeen)),
      uplink,
      partsFor: (interfaceName, { switches, told, send }) => ({
        network: createNetwork(linuxSystem(interfaceName)),
        forwarding,
        leniency,
        told,
        clock,
        log,
        clearHa: ({ address, interface: interfaceName }, id) =>
          clearDuty({ address, interfaceName, directory: kept.driver(id) }),
        openHa: (ha, service, revision, { id, name }) =>
          openDuty({
            ha,
            vpn: name,
            directory: kept.driver(id),
            revision,
            service,
            switches,
            ask: (from, message) => void send({ type: 'BASTION_VOTE', service: id, from, message }),
            told,
            clock,
            log,
          }),
      }),
      release: async () => {
        await leniency.release();
        await forwarding.release();
      },
      clock,
      log,
    });
};
