/** A command's JSON with what differs from run to run replaced by its kind, so that it can be held by a file. */
import { hostname } from 'node:os';

/** By the name of the field: what it is, where its value is not the point. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^(at|time|last_seen|last_handshake|collected_at|head_at)$|_at$/, '<time>'],
  [/^(pid|previous_pid|engine_pid|agent_pid)$/, '<pid>'],
  [/^(fingerprint|key_fingerprint|sha256|hash|previous|head|signature|ca_pin|pin|code_hash)$/, '<hash>'],
  [/^(code)$/, '<code>'],
  [/^(link)$/, '<link>'],
  [/^(public_key)$/, '<key>'],
  [/^(address|endpoint)$/, '<address>'],
  // By their name: one in twelve of a job's ids has no digit, and looks like a word.
  [/^(id|retry_of|tunnel_id)$/, '<id>'],
  [/^(arch)$/, '<arch>'],
  [/^(version|agent_version|engine_version|schema_version)$/, '<version>'],
  [
    /_ms$|_seconds$|_percent$|_bytes(_per_s)?$|^(bytes|size|load_1m|idle_left|processes|uid|records|seq|size_bytes|cores|physical_cores|speed_mhz)$/,
    '<number>',
  ],
];
/** Times and limits that somebody chose, and are the same each time. */
const CHOSEN = new Set([
  'timeout_seconds',
  'heartbeat_seconds',
  'telemetry_seconds',
  'offline_after_seconds',
]);

export const normal = (
  value: unknown,
  secrets: readonly (readonly [string, string])[],
  key = '',
): unknown => {
  if (key === 'groups') return '<groups>';
  if (Array.isArray(value)) return value.map((item) => normal(item, secrets, key));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, normal(item, secrets, name)]),
    );
  }
  if (value === null || typeof value === 'boolean') return value;
  const kind = CHOSEN.has(key) ? undefined : KINDS.find(([pattern]) => pattern.test(key))?.[1];
  // Error codes are words; enrolment codes are not.
  if (kind !== undefined && !(key === 'code' && /^[A-Z_]+$|^[a-z_]+$/.test(String(value)))) return kind;
  return typeof value === 'string' ? normalText(value, secrets) : value;
};

const normalText = (text: string, names: readonly (readonly [string, string])[]): string => {
  let result = text;
  for (const [found, name] of names) if (found !== '') result = result.replaceAll(found, name);
  return result
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.-]+Z/g, '<time>')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<guid>')
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replaceAll(/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=/g, '<key>')
    .replaceAll(/\b[0-9a-f]{16}\b/g, '<id>')
    .replaceAll(/\b(?=[a-z0-9]*\d)[a-z0-9]{12}\b/g, '<id>')
    .replaceAll(/\b(\d{1,3}\.){3}\d{1,3}:\d+/g, '<address>')
    .replaceAll(new RegExp(`\\b${hostname()}\\b`, 'g'), '<host>');
};
