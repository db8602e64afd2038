/** Puts this device's half of tunnels together, where it can have one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { nobleEd25519 } from '../../crypto/ed25519.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import { readSecretFile, writeFileDurably } from '../../sys/files.ts';
import { hostUses } from '../../wg/host-uses.ts';
import { generateKeyPair, publicKeyOf } from '../../wg/keys.ts';
import { createNetwork } from '../../wg/network.ts';
import { linuxSystem } from '../../wg/system.linux.ts';
import type { Uplink } from '../channel.ts';
import type { Credentials } from '../credentials.ts';
import type { AgentLog } from '../log.ts';
import type { Purposes } from '../port/purposes.ts';
import { SeenTokens } from '../port/seen-tokens.ts';
import { AgentPort } from '../port/server.ts';
import { SeenLog } from '../seen-log.ts';
import type { ContextPaths } from '../state.ts';
import { DeviceEnd } from './device-end.ts';
import { AgentTunnels } from './tunnels.ts';

export interface CreateParts {
  readonly paths: ContextPaths;
  readonly credentials: Credentials;
  readonly interfaceName: string;
  /** What connections through the tunnel may be for. */
  readonly purposes: Purposes;
  /** PATH of the agent. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: AgentLog;
}

/** Undefined where this agent cannot make any: then HELLO has no key, and the engine says so to whoever asks. */
export const createTunnels = async (
  parts: CreateParts,
): Promise<((uplink: Uplink) => AgentTunnels) | undefined> => {
  const { paths, credentials, interfaceName, path, log } = parts;
  if (paths.context !== 'system' || process.platform !== 'linux' || process.geteuid?.() !== 0)
    return undefined;
  const missing = missingPrograms(['ip', 'nft'], path);
  if (missing.length > 0) {
    log.info({ missing }, 'without these programs there are no tunnels to this device');
    return undefined;
  }
  const privateKey = await ownKey(paths.tunnelKey);
  const system = linuxSystem(interfaceName);
  const uses = () => hostUses(system, interfaceName);
  const end = new DeviceEnd({ network: createNetwork(system), interfaceName, privateKey, uses });
  const { guid, context, signingKey, signingKeyId } = credentials.membership;
  const trust = { guid, context, signingKey, signingKeyId, ed: nobleEd25519 };
  const seen = new SeenTokens(new SeenLog(paths.tunnelSeen));
  return (uplink) =>
    new AgentTunnels({
      ...parts,
      trust,
      end,
      publicKey: publicKeyOf(privateKey),
      seen,
      sessionFile: paths.tunnelSession,
      uplink,
      listener: new AgentPort({ ...parts, trust, seen, uplink }),
    });
};

/** Made once, for the device's life. */
const ownKey = async (file: string): Promise<string> => {
  if (!existsSync(file)) await writeFileDurably(file, `${generateKeyPair().privateKey}\n`, { mode: 0o600 });
  const key = (await readSecretFile(file)).toString().trim();
  try {
    publicKeyOf(key);
    return key;
  } catch (cause) {
    throw new BorealisError('STATE_DAMAGED', {
      detail: `${file}: it is not a key of WireGuard.`,
      next: 'Restore it, or remove it: the agent then makes a new one, and tells the engine.',
      cause,
    });
  }
};

const SBIN = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];
/** `path`: PATH of the agent. */
export const missingPrograms = (programs: readonly string[], path: string): string[] =>
  programs.filter((program) => !isInstalled(program, path));

const isInstalled = (program: string, path: string): boolean =>
  [...path.split(':'), ...SBIN].some((folder) => folder !== '' && existsSync(join(folder, program)));
