/** Every setting of the engine: its shape, its default, what it means. File, environment and flags derive from this table. */
import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { logLevel } from '../protocol/engine.ts';

const setting = <S extends z.ZodType>(schema: S, summary: string, restart = true) => ({
  schema,
  summary,
  restart,
});

const HOST_PORT = /^(\[[0-9A-Fa-f:.%]+\]|[^\s:/[\]]+):(\d{1,5})$/;
/** `HOST:PORT`, IPv6 in brackets. Port 0 lets the system choose. */
export const hostPort = z
  .string()
  .regex(HOST_PORT, 'must be HOST:PORT, with an IPv6 address in brackets')
  .refine((text) => Number(HOST_PORT.exec(text)?.[2]) <= 65_535, 'the port must be at most 65535');

export const parseHostPort = (text: string): { host: string; port: number } => {
  const [, host, port] = HOST_PORT.exec(hostPort.parse(text))!;
  return { host: host!.replace(/^\[|\]$/g, ''), port: Number(port) };
};

/** A name or an address, with or without a port. */
const ADDRESS = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/;

/** ADDRESS/LENGTH without bits of a host: with anything else the engine would not start. */
const isTunnelNetwork = (text: string): boolean => {
  const [, address, digits] = /^(\d{1,3}(?:\.\d{1,3}){3})\/([1-9]\d?)$/.exec(text) ?? [];
  const length = Number(digits);
  if (address === undefined || !isIPv4(address) || length < 8 || length > 30) return false;
  const value = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return value % 2 ** (32 - length) === 0;
};

const count = (min: number, max: number) => z.number().int().min(min).max(max);
const days = count(1, 3_650);

export const SETTINGS = {
  listen: setting(
    hostPort.default('0.0.0.0:8443'),
    'Address and port at which agents reach the engine (TCP, TLS 1.3).',
  ),
  public_address: setting(
    z
      .string()
      .max(260)
      .refine((text) => text === '' || isIPv6(text) || ADDRESS.test(text), 'must be HOST or HOST:PORT')
      .default(''),
    'HOST or HOST:PORT that enrolment links carry; found out when empty.',
    false,
  ),
  socket: setting(
    z.string().default(''),
    'Path of the local socket; run/borealisd.sock below the state directory when empty.',
  ),
  socket_group: setting(
    z.string().max(64).default(''),
    'Unix group whose members may reach the local socket; only the engine’s own user and root when empty.',
  ),
  log_level: setting(logLevel.default('info'), 'The least important lines that are logged.'),
  log_retention_days: setting(days.default(30), 'Days that log files are kept.', false),
  telemetry_retention_days: setting(days.default(30), 'Days that telemetry is kept.', false),
  event_retention_days: setting(days.default(30), 'Days that events are kept.', false),
  job_retention_days: setting(
    days.default(90),
    'Days that finished jobs are kept, with their output.',
    false,
  ),
  tunnel_port: setting(count(1, 65_535).default(30_000), 'UDP port of the tunnels’ WireGuard.'),
  tunnel_interface: setting(
    z
      .string()
      .regex(/^[a-zA-Z][a-zA-Z0-9_]{0,14}$/, 'must be a letter, then letters, digits and _, 15 at most')
      .default('borealis0'),
    'Network interface of the tunnels; the table of nftables has the same name.',
  ),
  tunnel_network: setting(
    z
      .string()
      .refine(isTunnelNetwork, 'must be an IPv4 network like 10.255.0.0/16, its prefix length from 8 to 30')
      .default('10.255.0.0/16'),
    'Addresses of the tunnels: the first is the engine’s, each device gets one for its life.',
  ),
  tunnel_idle_minutes: setting(
    count(1, 10_080).default(15),
    'Minutes without use by an operator after which a tunnel is torn down.',
    false,
  ),
  record_shells: setting(
    z.boolean('must be true or false').default(true),
    'Whether shells that are started from now on are recorded.',
    false,
  ),
  recording_retention_days: setting(days.default(30), 'Days that recorded shells are kept.', false),
  enrol_requests_per_minute: setting(
    count(1, 100_000).default(40),
    'Enrolment requests a minute from one address.',
    false,
  ),
  enrol_requests_per_fingerprint: setting(
    count(1, 100_000).default(12),
    'Enrolment requests a minute from one machine.',
    false,
  ),
  enrol_request_hours: setting(count(1, 720).default(1), 'Hours that a request waits for approval.', false),
  certificate_days: setting(
    count(1, 398).default(30),
    'Days that an agent’s certificate is valid; renewed at two thirds.',
    false,
  ),
  heartbeat_seconds: setting(count(1, 300).default(15), 'Seconds between the heartbeats of an agent.', false),
  telemetry_seconds: setting(
    count(1, 3_600).default(30),
    'Seconds between the measurements of an agent.',
    false,
  ),
  offline_after_seconds: setting(
    count(2, 900).default(40),
    'Seconds of silence after which a device is offline.',
    false,
  ),
} as const;

export type SettingKey = keyof typeof SETTINGS;
export const SETTING_KEYS = Object.keys(SETTINGS) as SettingKey[];
export const isSettingKey = (key: string): key is SettingKey => Object.hasOwn(SETTINGS, key);

/** The configuration in force. Times are in the unit that the name says. */
export type Config = { readonly [K in SettingKey]: z.output<(typeof SETTINGS)[K]['schema']> };
export type SettingSource = 'default' | 'file' | 'environment' | 'flag';

export const environmentName = (key: SettingKey): string => `BOREALIS_${key.toUpperCase()}`;

/** The key that differs in the fewest letters; undefined where none is near. */
export const nearestKey = (typed: string): SettingKey | undefined => {
  const ranked = SETTING_KEYS.map((key) => ({ key, distance: editDistance(typed.toLowerCase(), key) })).sort(
    (a, b) => a.distance - b.distance,
  );
  const best = ranked[0];
  return best && best.distance <= Math.max(3, best.key.length / 2) ? best.key : undefined;
};

/** Levenshtein distance. */
export const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
};
