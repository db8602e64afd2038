/** Once a minute: requests that nobody decided or completed in time, and refresh tokens past their end. */
import type { EnrollmentDependencies } from './dependencies.ts';

const ROUND_MS = 60_000;
/** In one transaction; what is left comes in the next round. */
const AT_ONCE = 200;

export class Expiry {
  readonly #deps: EnrollmentDependencies;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: EnrollmentDependencies) {
    this.#deps = deps;
  }

  start(): void {
    const { log } = this.#deps;
    this.#timer = setInterval(() => {
      this.round().catch((error: unknown) =>
        log.error({ err: error }, 'expired requests could not be ended'),
      );
    }, ROUND_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async round(): Promise<void> {
    const { store, clock, events, audit } = this.#deps;
    const now = clock.now();
    const due = await store.read
      .selectFrom('approval')
      .select('id')
      .where('state', 'in', ['waiting', 'approved'])
      .where('expires_at', '<=', now)
      .limit(AT_ONCE)
      .execute();
    if (due.length > 0)
      await store.write(async (tx) => {
        const ended = await tx.db
          .updateTable('approval')
          .set({ state: 'expired' })
          .where(
            'id',
            'in',
            due.map((row) => row.id),
          )
          .where('state', 'in', ['waiting', 'approved'])
          .where('expires_at', '<=', now)
          .returning(['id', 'hostname'])
          .execute();
        for (const { id, hostname } of ended) {
          await audit.record(tx, {
            actor: 'engine',
            action: 'approval.expire',
            target: id,
            detail: { hostname },
          });
          const message = `The request of ${hostname} expired`;
          await events.record(tx, { type: 'approval.expired', message, data: { id, hostname } });
        }
      });
    await store.write(async (tx) => {
      await tx.db.deleteFrom('refresh_token').where('expires_at', '<=', now).execute();
    });
  }
}
