/**
 * Devices that are to run a service no more, and have not said that they do not: until they hear of it they go on, also
 * with the floating address of a pair. Kept, so that operators see it after a restart too.
 */
import type { Store } from '../../store/store.ts';

export interface Left {
  readonly guid: string;
  /** Of the device, now. */
  readonly name: string;
  /** Of the pair that it was in; null: it was in none. */
  readonly address: string | null;
}

export class Leaving {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async add(vpnId: string, devices: readonly Omit<Left, 'name'>[]): Promise<void> {
    if (devices.length === 0) return;
    const rows = devices.map(({ guid, address }) => ({ vpn_id: vpnId, guid, address }));
    await this.#store.write(({ db }) =>
      db
        .insertInto('vpn_leaving')
        .values(rows)
        .onConflict((key) => key.columns(['vpn_id', 'guid']).doNothing())
        .execute(),
    );
  }

  /** It has said that it does not run it, or is to run it again. */
  async over(vpnId: string, guids: readonly string[]): Promise<void> {
    const left = (await this.of(vpnId)).filter(({ guid }) => guids.includes(guid));
    if (left.length === 0) return;
    await this.#store.write(async ({ db }) => {
      for (const { guid } of left)
        await db.deleteFrom('vpn_leaving').where('vpn_id', '=', vpnId).where('guid', '=', guid).execute();
    });
  }

  /** By name. Devices that are no more are nobody's concern; those that are shut out have been told to drop everything. */
  of(vpnId: string): Promise<Left[]> {
    return this.#store.read
      .selectFrom('vpn_leaving')
      .innerJoin('device', 'device.guid', 'vpn_leaving.guid')
      .select(['vpn_leaving.guid', 'device.name', 'vpn_leaving.address'])
      .where('vpn_leaving.vpn_id', '=', vpnId)
      .where('device.state', '=', 'active')
      .orderBy('device.name')
      .execute();
  }

  /** Services that the device may run still. */
  async servicesOf(guid: string): Promise<string[]> {
    const rows = await this.#store.read
      .selectFrom('vpn_leaving')
      .select('vpn_id')
      .where('guid', '=', guid)
      .execute();
    return rows.map(({ vpn_id }) => vpn_id);
  }
}

/** In a sentence; null where there is none. */
export const leftText = (left: readonly Left[]): string | null =>
  left.length === 0
    ? null
    : left
        .map(({ name, address }) => {
          const also = address === null ? '' : `, and with ${address} where it has it,`;
          return `${name} does not know yet that it is not to run this any more: it goes on with it${also} until it is connected and has heard of it.`;
        })
        .join(' ');
