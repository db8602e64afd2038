/**
 * How a request stands to what is enrolled already: it clashes with a device, it is the other context of one, or it is
 * new. Worked out when asked, never stored: devices come and go while a request waits.
 */
import type { AgentContext } from '../../protocol/scalars.ts';
import type { ApprovalTable, DeviceTable } from '../../store/schema.ts';
import type { Database } from '../../store/store.ts';

export type ApprovalRow = ApprovalTable;
type Asking = Pick<ApprovalRow, 'id' | 'public_key' | 'context' | 'hostname' | 'fingerprint'>;
type Known = Pick<DeviceTable, 'guid' | 'name' | 'hostname' | 'fingerprint' | 'enrolled_at'>;

export interface Standing {
  readonly clash: { readonly kind: 'hostname' | 'fingerprint'; readonly device: Known } | null;
  /** The device on the same machine that has no such context yet: the request joins it under its GUID. */
  readonly joins: Known | null;
}

/** Parameters of one query. */
const CHUNK = 500;
const KNOWN = ['guid', 'name', 'hostname', 'fingerprint', 'enrolled_at'] as const;

/** For all of them in four queries for each five hundred. Revoked devices do not count. */
export const standingsOf = async (
  db: Database,
  requests: readonly Asking[],
): Promise<Map<string, Standing>> => {
  const standings = new Map<string, Standing>();
  for (let from = 0; from < requests.length; from += CHUNK) {
    const chunk = requests.slice(from, from + CHUNK);
    const fleet = await fleetAround(db, chunk);
    for (const request of chunk) standings.set(request.id, judge(request, fleet));
  }
  return standings;
};

export const standingOf = async (db: Database, request: Asking): Promise<Standing> =>
  (await standingsOf(db, [request])).get(request.id)!;

interface Fleet {
  readonly byFingerprint: Map<string, Known[]>;
  readonly byHostname: Map<string, Known[]>;
  readonly byKey: Map<string, Known>;
  /** `GUID CONTEXT`. */
  readonly contexts: Set<string>;
}

const fleetAround = async (db: Database, requests: readonly Asking[]): Promise<Fleet> => {
  const devices = db.selectFrom('device').select(KNOWN).where('state', '!=', 'revoked');
  const values = (key: 'fingerprint' | 'hostname' | 'public_key'): string[] => [
    ...new Set(requests.map((request) => request[key])),
  ];
  const sameMachine = await devices.where('fingerprint', 'in', values('fingerprint')).execute();
  const namesakes = devices.where('hostname', 'in', values('hostname'));
  // One namesake is enough, and a fleet of clones may have thousands.
  const sameHostname = await (requests.length === 1 ? namesakes.limit(1) : namesakes).execute();
  const keys = await db
    .selectFrom('device_context')
    .innerJoin('device', 'device.guid', 'device_context.guid')
    .select(['device.guid', 'device.name', 'device.hostname', 'device.fingerprint', 'device.enrolled_at'])
    .select('device_context.public_key')
    .where('device_context.public_key', 'in', values('public_key'))
    .execute();
  const guids = sameMachine.map((device) => device.guid);
  const contexts =
    guids.length === 0
      ? []
      : await db
          .selectFrom('device_context')
          .select(['guid', 'context'])
          .where('guid', 'in', guids.slice(0, 32_000))
          .execute();
  return {
    byFingerprint: Map.groupBy(sameMachine, (device) => device.fingerprint),
    byHostname: Map.groupBy(sameHostname, (device) => device.hostname),
    byKey: new Map(keys.map((row) => [row.public_key, row])),
    contexts: new Set(contexts.map((row) => `${row.guid} ${row.context}`)),
  };
};

const judge = (request: Asking, fleet: Fleet): Standing => {
  const has = (device: Known, context: AgentContext): boolean =>
    fleet.contexts.has(`${device.guid} ${context}`);
  const keyHolder = fleet.byKey.get(request.public_key);
  const machines = fleet.byFingerprint.get(request.fingerprint) ?? [];
  const [only] = machines;
  if (only && machines.length === 1 && !has(only, request.context) && !keyHolder)
    return { clash: null, joins: only };
  const device = keyHolder ?? machines.find((one) => has(one, request.context)) ?? only;
  if (device) return { clash: { kind: 'fingerprint', device }, joins: null };
  const namesake = fleet.byHostname.get(request.hostname)?.[0];
  return { clash: namesake ? { kind: 'hostname', device: namesake } : null, joins: null };
};
