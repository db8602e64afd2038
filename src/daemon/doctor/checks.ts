/** What can go wrong with an engine slowly, and unseen: each check gives one finding, with its remedy. */
import { PROOF_SECONDS } from '../../crypto/dpop.ts';
import type { Check } from '../../protocol/engine.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { DiskUsage } from '../../sys/disk.ts';
import { found, ok } from '../../sys/doctor/check.ts';
import { diskFinding } from '../../sys/doctor/machine.ts';

export interface DoctorDependencies {
  readonly version: string;
  readonly state: string;
  readonly clock: Clock;
  readonly store: Store;
  readonly diskUsage: (path: string) => Promise<DiskUsage>;
  /** When the engine's own certificates end, milliseconds. */
  readonly certificates: () => { readonly authority: number; readonly server: number };
  /** Rejects where no tunnel can be made because this host uses its addresses, or that cannot be seen. */
  readonly tunnelNetwork: () => Promise<void>;
  /** Of the VPN services. */
  readonly vpn: () => readonly { readonly name: string; readonly failure: Error | null }[];
  /** That look like a setting and are none. */
  readonly unknownVariables: readonly { readonly key: string | null; readonly nearest: string | null }[];
}

const DAY_MS = 86_400_000;
/** The server's certificate renews itself long before; when it did not, something is wrong. */
const SERVER_DAYS = 7;
const AUTHORITY_DAYS = 180;
/** Agents renew at two thirds of 30 days; five left means that it did not work. */
const AGENT_DAYS = 5;
/** Before they are refused. */
const SKEW_MS = (PROOF_SECONDS * 1_000) / 2;

export const engineChecks = async (deps: DoctorDependencies): Promise<Check[]> => [
  await diskCheck(deps),
  ...certificateChecks(deps),
  await agentCertificateCheck(deps),
  await agentVersionCheck(deps),
  await clockSkewCheck(deps),
  ...(await tunnelNetworkCheck(deps)),
  ...deps.vpn().map(vpnCheck),
  ...environmentCheck(deps),
];

/** Only where there are some. */
const environmentCheck = ({ unknownVariables }: DoctorDependencies): Check[] => {
  if (unknownVariables.length === 0) return [];
  const names = unknownVariables.map(({ key, nearest }) => `${key}${nearest ? ` (${nearest} is one)` : ''}`);
  const message = `The engine was started with variables that it does not know, and left them out: ${some(names)}.`;
  const remedy = 'Correct or remove them where the engine is started; what there is: borealisctl config show';
  return [found('warn', 'environment', message, remedy)];
};

/** Only where it is so: a host without ip(8) has no tunnels anyway. */
const tunnelNetworkCheck = async ({ tunnelNetwork }: DoctorDependencies): Promise<Check[]> => {
  try {
    await tunnelNetwork();
    return [];
  } catch (error) {
    if (!(error instanceof BorealisError)) throw error;
    if (error.code !== 'NETWORK_OVERLAP') return [];
    return [found('warn', 'tunnel_network', `No tunnel can be made: ${error.detail}`, error.next)];
  }
};

/** Told by `status` too, at once. */
export const vpnCheck = ({ name, failure }: { name: string; failure: Error | null }): Check => {
  if (!failure) return ok(`vpn:${name}`, `The VPN service ${name} is up.`);
  const remedy =
    failure instanceof BorealisError ? failure.next : 'See the log: borealisctl log --component vpn';
  return found('fail', `vpn:${name}`, `The VPN service ${name} failed: ${failure.message}`, remedy);
};

const diskCheck = async ({ state, diskUsage }: DoctorDependencies): Promise<Check> => {
  const remedy = 'Free space, or shorten retention: borealisctl config set telemetry_retention_days 7';
  return diskFinding(state, await diskUsage(state), remedy);
};

const certificateChecks = ({ certificates, clock }: DoctorDependencies): Check[] => {
  const { authority, server } = certificates();
  const left = (end: number): number => Math.floor((end - clock.now()) / DAY_MS);
  return [
    left(authority) > AUTHORITY_DAYS
      ? ok('authority', `The engine’s CA is valid for ${left(authority)} more days.`)
      : found(
          left(authority) < 0 ? 'fail' : 'warn',
          'authority',
          `The engine’s CA ${ending(left(authority))}.`,
          'Plan to enrol the agents anew; see docs/operations.md.',
        ),
    left(server) > SERVER_DAYS
      ? ok(
          'server_certificate',
          `The engine’s certificate is valid for ${left(server)} more days and renews itself.`,
        )
      : found(
          'fail',
          'server_certificate',
          `The engine’s certificate ${ending(left(server))} and was not renewed.`,
          'Restart the engine: borealisctl daemon restart',
        ),
  ];
};

const ending = (days: number): string =>
  days < 0 ? 'has ended' : `ends in ${days} ${days === 1 ? 'day' : 'days'}`;

const agentCertificateCheck = async ({ store, clock }: DoctorDependencies): Promise<Check> => {
  const rows = await store.read
    .selectFrom('device_context')
    .innerJoin('device', 'device.guid', 'device_context.guid')
    .select(['device.name', 'device.state'])
    .where('certificate_not_after', '<', clock.now() + AGENT_DAYS * DAY_MS)
    .where('device.state', '!=', 'revoked')
    .limit(101)
    .execute();
  if (rows.length === 0)
    return ok('agent_certificates', `No agent’s certificate ends within ${AGENT_DAYS} days.`);
  const names = rows.map((row) => row.name);
  return found(
    'warn',
    'agent_certificates',
    `Certificates end within ${AGENT_DAYS} days: ${some(names)}.`,
    'Bring these devices online; those past the end must enrol again.',
  );
};

const agentVersionCheck = async ({ store, version }: DoctorDependencies): Promise<Check> => {
  const rows = await store.read
    .selectFrom('device')
    .select(['name', 'agent_version'])
    .where('state', '=', 'active')
    .where('agent_version', '!=', version)
    .limit(101)
    .execute();
  if (rows.length === 0) return ok('agent_versions', `All agents are of version ${version}.`);
  return found(
    'warn',
    'agent_versions',
    `Agents of another version than ${version}: ${some(rows.map((row) => `${row.name} (${row.agent_version})`))}.`,
    'Update the agents on these devices.',
  );
};

const clockSkewCheck = async ({ store }: DoctorDependencies): Promise<Check> => {
  const rows = await store.read
    .selectFrom('device')
    .select(['name', 'clock_offset_ms'])
    .where('state', '=', 'active')
    .where((eb) => eb.or([eb('clock_offset_ms', '>', SKEW_MS), eb('clock_offset_ms', '<', -SKEW_MS)]))
    .limit(101)
    .execute();
  if (rows.length === 0)
    return ok('device_clocks', `No device’s clock is off by more than ${SKEW_MS / 1000} s.`);
  const names = rows.map((row) => `${row.name} (${((row.clock_offset_ms ?? 0) / 1000).toFixed(0)} s)`);
  const offsets = rows.map((row) => row.clock_offset_ms ?? 0);
  const alike = rows.length > 1 && Math.max(...offsets) - Math.min(...offsets) < SKEW_MS;
  return found(
    'warn',
    'device_clocks',
    `Clocks are off: ${some(names)}.`,
    alike
      ? 'All by the same: look first whether it is the clock of the engine that is wrong: timedatectl'
      : `Set up time synchronisation (NTP) on these devices; those more than ${PROOF_SECONDS} s off are refused.`,
  );
};

const some = (names: string[]): string =>
  names.length <= 5
    ? names.join(', ')
    : `${names.slice(0, 5).join(', ')} and ${names.length > 100 ? 'many' : names.length - 5} more`;
