/** Sessions that an earlier engine left open: those that were used lately go on. */
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import { forgetSession, keptSessions } from './book.ts';
import { newSession, type Session } from './session.ts';

export interface TakeUpParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly idleMs: () => number;
}

export const takenUp = async ({ store, clock, idleMs }: TakeUpParts): Promise<Session[]> => {
  const now = clock.now();
  const sessions: Session[] = [];
  for (const { row, name, address, ports } of await keptSessions(store.read)) {
    if (row.used_at + idleMs() <= now) {
      await store.write((tx) => forgetSession(tx, row.guid));
      continue;
    }
    const session = newSession({ guid: row.guid, name, address, ports, publicKey: row.public_key, now });
    sessions.push({
      ...session,
      tunnelId: row.tunnel_id,
      operators: new Set(JSON.parse(row.operators_json) as string[]),
      startedAt: row.started_at,
      usedAt: row.used_at,
      storedAt: row.used_at,
      toldAt: now,
    });
  }
  return sessions;
};
