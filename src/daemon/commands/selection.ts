/**
 * Which devices a job is for: those named, and those that match every one of tags and site; each device once. `all`
 * matches where nothing else is asked for: together with a site it means all of that site, never more.
 */
import { BorealisError } from '../../protocol/errors.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import type { Database } from '../../store/store.ts';
import { resolveDevice } from '../devices/resolve.ts';

export interface Target {
  readonly guid: string;
  readonly name: string;
}

export interface Selection {
  readonly devices?: readonly string[] | undefined;
  /** All must match. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly site?: string | undefined;
  readonly all?: boolean | undefined;
}

const CHUNK = 500;

/**
 * Devices that were named must be able to take the command; of those that were not, the ones that cannot are left out.
 * Errors: NO_TARGETS, NO_DEVICE_MATCHES; DEVICE_NOT_FOUND, DEVICE_AMBIGUOUS, DEVICE_QUARANTINED, DEVICE_REVOKED, DEVICE_STATE_CONFLICT
 * (no agent in that context) for a named one.
 */
export const selectTargets = async (
  db: Database,
  selection: Selection,
  context: AgentContext,
): Promise<Target[]> => {
  const targets = new Map<string, Target>();
  for (const target of await named(db, selection.devices ?? [], context)) targets.set(target.guid, target);
  for (const target of await described(db, selection, context)) targets.set(target.guid, target);
  if (targets.size > 0) return [...targets.values()];
  const asked = selection.tags || selection.site !== undefined || selection.all;
  if (!asked) throw new BorealisError('NO_TARGETS');
  throw new BorealisError('NO_DEVICE_MATCHES', {
    detail: `It would have to be active and have a ${context} agent.`,
  });
};

const named = async (db: Database, refs: readonly string[], context: AgentContext): Promise<Target[]> => {
  const wanted = [...new Set(refs)];
  const found = new Map<string, Standing>();
  // Exact names and GUIDs many at a time; what is left is a prefix, or a mistake.
  for (let at = 0; at < wanted.length; at += CHUNK) {
    const chunk = wanted.slice(at, at + CHUNK);
    for (const row of await standing(db, 'name', chunk, context)) found.set(row.name, row);
    const guids = chunk.filter((ref) => !found.has(ref));
    if (guids.length === 0) continue;
    for (const row of await standing(db, 'guid', guids, context)) found.set(row.guid, row);
  }
  const targets: Target[] = [];
  for (const ref of wanted) {
    const row = found.get(ref) ?? (await one(db, (await resolveDevice(db, ref)).guid, context));
    demandAble(row, context);
    targets.push({ guid: row.guid, name: row.name });
  }
  return targets;
};

interface Standing extends Target {
  readonly state: string;
  /** The context, where the device has an agent in it. */
  readonly context: AgentContext | null;
}

const standing = (
  db: Database,
  column: 'name' | 'guid',
  values: readonly string[],
  context: AgentContext,
): Promise<Standing[]> =>
  db
    .selectFrom('device')
    .leftJoin('device_context', (join) =>
      join.onRef('device_context.guid', '=', 'device.guid').on('device_context.context', '=', context),
    )
    .select(['device.guid', 'device.name', 'device.state', 'device_context.context'])
    .where(`device.${column}`, 'in', values)
    .execute();

const one = async (db: Database, guid: string, context: AgentContext): Promise<Standing> => {
  const [row] = await standing(db, 'guid', [guid], context);
  if (!row) throw new BorealisError('DEVICE_NOT_FOUND');
  return row;
};

const demandAble = ({ name, state, context: has }: Standing, context: AgentContext): void => {
  if (state === 'quarantined') throw new BorealisError('DEVICE_QUARANTINED', { detail: `It is ${name}.` });
  if (state === 'revoked') throw new BorealisError('DEVICE_REVOKED', { detail: `It is ${name}.` });
  if (!has) {
    throw new BorealisError('DEVICE_STATE_CONFLICT', {
      detail: `${name} has no agent in the ${context} context.`,
      next: 'Leave --context out, or enrol an agent there.',
    });
  }
};

const described = async (
  db: Database,
  { tags, site, all }: Selection,
  context: AgentContext,
): Promise<Target[]> => {
  const pairs = Object.entries(tags ?? {});
  if (!all && site === undefined && pairs.length === 0) return [];
  let matching = able(db, context);
  if (site !== undefined) matching = matching.where('device.site', '=', site);
  for (const [key, value] of pairs) {
    matching = matching.where('device.guid', 'in', (eb) =>
      eb.selectFrom('device_tag').select('device_tag.guid').where('key', '=', key).where('value', '=', value),
    );
  }
  return matching.execute();
};

const able = (db: Database, context: AgentContext) =>
  db
    .selectFrom('device')
    .innerJoin('device_context', 'device_context.guid', 'device.guid')
    .select(['device.guid', 'device.name'])
    .where('device.state', '=', 'active')
    .where('device_context.context', '=', context)
    .orderBy('device.name');

/** Of devices known by GUID, those that can take a command now. */
export const ableOf = async (
  db: Database,
  guids: readonly string[],
  context: AgentContext,
): Promise<Target[]> => {
  const targets: Target[] = [];
  for (let at = 0; at < guids.length; at += CHUNK) {
    const chunk = guids.slice(at, at + CHUNK);
    targets.push(...(await able(db, context).where('device.guid', 'in', chunk).execute()));
  }
  return targets;
};
