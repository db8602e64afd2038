/** All that can keep this device from its engine, looked at from this side. */
import { existsSync } from 'node:fs';
import type { Check } from '../../protocol/engine.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import type { Clock } from '../../sys/clock.ts';
import { skipped } from '../../sys/doctor/check.ts';
import { clockCheck, diskCheck, nodeCheck } from '../../sys/doctor/machine.ts';
import { type ServiceStatus, systemServices } from '../../sys/service.ts';
import { CONTEXTS, type ContextPaths, contextPaths } from '../state.ts';
import { engineChecks } from './engine.ts';
import { processCheck, serviceCheck } from './service.ts';
import { certificateCheck, directoryCheck, identityCheck, spoolCheck } from './state.ts';
import { tunnelChecks } from './tunnels.ts';

export interface DoctorParts {
  /** Absolute. */
  readonly state: string;
  /** Only this one; all that are there otherwise. */
  readonly context: AgentContext | undefined;
  readonly clock: Clock;
}

export const agentChecks = async ({ state, context, clock }: DoctorParts): Promise<Check[]> => {
  const directory = await directoryCheck(state);
  // What is in a directory that is closed to us cannot be told from what is not there.
  const chosen = context
    ? [context]
    : CONTEXTS.filter((name) => existsSync(contextPaths(state, name).directory));
  const contexts =
    directory.state === 'fail' && chosen.length === 0
      ? []
      : chosen.length > 0
        ? chosen
        : CONTEXTS.slice(0, 1);
  const looked = await Promise.all(
    contexts.map((name) => contextChecks(contextPaths(state, name), state, clock)),
  );
  const pid = looked.find((one) => one.pid !== null)?.pid ?? null;
  return [
    nodeCheck('borealis-agent'),
    await clockCheck(),
    await diskCheck(state),
    directory,
    ...looked.flatMap(({ checks }) => checks),
    await unitCheck(state),
    ...(contexts.includes('system') ? tunnelChecks(pid) : []),
  ];
};

interface Looked {
  readonly checks: readonly Check[];
  readonly pid: number | null;
}

/** The second context's are told from the first's by their ids: `identity:user`. */
const contextChecks = async (paths: ContextPaths, state: string, clock: Clock): Promise<Looked> => {
  const { check: identity, credentials } = await identityCheck(paths);
  const { check: serving, pid } = await processCheck(paths, state);
  const checks = credentials
    ? [
        identity,
        certificateCheck(credentials, clock.now()),
        ...(await engineChecks(credentials, clock)),
        serving,
        spoolCheck(paths, clock.now()),
      ]
    : [identity];
  if (paths.context === 'system') return { checks, pid };
  return { checks: checks.map((check) => ({ ...check, id: `${check.id}:${paths.context}` })), pid };
};

const unitCheck = async (state: string): Promise<Check> => {
  if (!existsSync('/run/systemd/system'))
    return skipped('service', 'systemd does not run this machine; what starts the agent is not known.');
  return serviceCheck(state, (): Promise<ServiceStatus> => systemServices().status('agent'));
};
