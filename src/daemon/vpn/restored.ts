/**
 * After a backup was put in place: devices have been told of services since under revisions that this store knows nothing
 * of, and gives again for something else. A device that has the one would be taken to have the other, so all are passed over.
 */
import type { Store } from '../../store/store.ts';

/** More changes than anybody makes between two backups; fewer than an engine goes on from (device-end.ts). */
const PASSED_OVER = 100_000;

export const passOverRevisions = (store: Pick<Store, 'write'>): Promise<void> =>
  store.write(async ({ db }) => {
    await db
      .updateTable('vpn_service')
      .set((eb) => ({ revision: eb('revision', '+', PASSED_OVER), told: null }))
      .execute();
  });
