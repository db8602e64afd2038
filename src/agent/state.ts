/**
 * Where an agent keeps what it must not lose, one directory for each context below the state directory:
 *
 *   <state>/<context>/agent.lock      held by the process that serves the context, or enrols it
 *   <state>/<context>/identity.pem    Ed25519 key, made here, never sent
 *   <state>/<context>/enrolment.json  a request that waits for approval
 *   <state>/<context>/membership.json what the enrolment gave: GUID, certificate, authority, pin, signing key
 *   <state>/<context>/tokens.json     access and refresh token
 *   <state>/<context>/spool/          commands that are not settled yet, and their results
 *   <state>/<context>/seen.log        commands that are settled, so that none runs twice
 *   <state>/<context>/scripts/        bodies of scripts while they run
 *   <state>/<context>/groups/         process groups that run for commands
 *   <state>/<context>/tunnel.key      of WireGuard, made here, never sent
 *   <state>/<context>/tunnel.open     there while an interface of ours may be
 *   <state>/<context>/tunnel-seen.log words about tunnels that were obeyed, so that none is twice
 *   <state>/<context>/bastion/        VPN services that this device hosts, sealed, and what comes with them
 *   <state>/<context>/bastion-seen.log words about them that were obeyed, so that none is twice
 *   <state>/<context>/status.json     for `borealis-agent status`; no promise rests on it
 *   <state>/logs/                     one file a day
 *   <state>.key                       opens what is sealed (/etc/borealis-agent.key of the usual state)
 *
 * Directories are 0700, files 0600; what others could read or change is refused (STATE_UNSAFE).
 */
import { join } from 'node:path';
import type { AgentContext } from '../protocol/scalars.ts';
import { ensurePrivateDirectory } from '../sys/files.ts';
import { agentSealKey } from '../sys/state-paths.ts';

export const CONTEXTS: readonly AgentContext[] = ['system', 'user'];
export const LOCK_NAME = 'agent.lock';

export interface ContextPaths {
  readonly context: AgentContext;
  readonly directory: string;
  readonly identity: string;
  readonly enrolment: string;
  readonly membership: string;
  readonly tokens: string;
  readonly spool: string;
  readonly seen: string;
  readonly scripts: string;
  readonly groups: string;
  readonly status: string;
  readonly tunnelKey: string;
  readonly tunnelSession: string;
  readonly tunnelSeen: string;
  readonly bastion: string;
  readonly bastionSeen: string;
  /** Apart from all that; of the context that hosts services. */
  readonly sealKey: string;
}

export function contextPaths(state: string, context: AgentContext): ContextPaths {
  const directory = join(state, context);
  const at = (name: string): string => join(directory, name);
  return {
    context,
    directory,
    identity: at('identity.pem'),
    enrolment: at('enrolment.json'),
    membership: at('membership.json'),
    tokens: at('tokens.json'),
    spool: at('spool'),
    seen: at('seen.log'),
    scripts: at('scripts'),
    groups: at('groups'),
    status: at('status.json'),
    tunnelKey: at('tunnel.key'),
    tunnelSession: at('tunnel.open'),
    tunnelSeen: at('tunnel-seen.log'),
    bastion: at('bastion'),
    bastionSeen: at('bastion-seen.log'),
    sealKey: agentSealKey(state),
  };
}

export const logDirectory = (state: string): string => join(state, 'logs');

/** Makes the directories of a context. Errors: STATE_UNSAFE. */
export async function prepareState(state: string, paths: ContextPaths): Promise<void> {
  await ensurePrivateDirectory(state);
  await ensurePrivateDirectory(paths.directory);
  await ensurePrivateDirectory(paths.spool);
  await ensurePrivateDirectory(paths.scripts);
}
