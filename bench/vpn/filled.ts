/** Connections by the thousand, as rows of the store: through the operation they would take as long as it is slow. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type ConnectionRow, findService, newId } from '../../src/daemon/vpn/rows.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';

/** What the daemon's own `connection.add` would have written for the next free number. */
export const connectionRow = (vpnId: string, number: number, publicKey: string): ConnectionRow => ({
  id: newId(),
  vpn_id: vpnId,
  name: `client-${number}`,
  number,
  public_key: publicKey,
  own_key: 1,
  preshared_key: null,
  allow_json: '[]',
  site_subnets_json: '[]',
  is_site: 0,
  disabled_at: null,
  expires_at: null,
  expired_at: null,
  last_handshake: null,
  connected_since: null,
  endpoint: null,
  rx_bytes: 0,
  tx_bytes: 0,
  rx_seen: 0,
  tx_seen: 0,
  created_at: Date.now(),
  created_by: 'bench',
});

/** Any 32 bytes are a public key; nobody will ever answer with this one. */
export const anyKey = (): string => randomBytes(32).toString('base64');

/** Adds them to a service of an engine that does not run. */
export const fill = async (state: string, vpn: string, publicKeys: readonly string[]): Promise<void> => {
  const store = await SqliteStore.open(join(state, 'borealis.db'));
  try {
    await store.write(async ({ db }) => {
      const { id, given } = await findService(db, vpn);
      for (const [index, publicKey] of publicKeys.entries()) {
        const number = given + 1 + index;
        await db.insertInto('vpn_address').values({ vpn_id: id, number }).execute();
        await db
          .insertInto('vpn_connection')
          .values(connectionRow(id, number, publicKey))
          .execute();
      }
      const last = given + publicKeys.length;
      await db.updateTable('vpn_service').set({ given: last }).where('id', '=', id).execute();
    });
  } finally {
    await store.close();
  }
};
