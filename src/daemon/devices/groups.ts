/** `device.groups`: by which sites and tags devices can be named, for completion. Answered by the indexes alone. */
import type { OutputOf, ParsedInputOf } from '../../protocol/operations.ts';
import { prefixRange } from '../../store/prefix.ts';
import type { Database } from '../../store/store.ts';

/** Those that begin with the prefix, in order. A tag is written `key=value`. */
export const groupsOfDevices = async (
  db: Database,
  { of, prefix, limit }: ParsedInputOf<'device.groups'>,
): Promise<OutputOf<'device.groups'>> => {
  if (of === 'site') {
    const { first, last } = prefixRange(prefix);
    const rows = await db
      .selectFrom('device')
      .select(['site', (eb) => eb.fn.countAll<number | string>().as('devices')])
      .where('site', '>=', first)
      .where('site', '<=', last)
      .groupBy('site')
      .orderBy('site')
      .limit(limit)
      .execute();
    return rows.map(({ site, devices }) => ({ name: site ?? '', devices: Number(devices) }));
  }
  const [key = '', value] = prefix.split(/=(.*)/s, 2);
  const keys = value === undefined ? prefixRange(key) : { first: key, last: key };
  const values = prefixRange(value ?? '');
  const rows = await db
    .selectFrom('device_tag')
    .select(['key', 'value', (eb) => eb.fn.countAll<number | string>().as('devices')])
    .where('key', '>=', keys.first)
    .where('key', '<=', keys.last)
    .where('value', '>=', values.first)
    .where('value', '<=', values.last)
    .groupBy(['key', 'value'])
    .orderBy('key')
    .orderBy('value')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ name: `${row.key}=${row.value}`, devices: Number(row.devices) }));
};
