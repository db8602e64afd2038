/** Jobs as the signer needs them, the recently used ones kept: ten thousand targets share one script's text. */
import type { Database } from '../../store/store.ts';
import { callOf, readWork } from './job-work.ts';
import type { Order } from './signer.ts';

const KEPT = 64;

export class Orders {
  readonly #db: Database;
  readonly #kept = new Map<string, Order>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Known without asking the store. */
  peek(jobId: string): Order | undefined {
    const found = this.#kept.get(jobId);
    if (found) {
      this.#kept.delete(jobId);
      this.#kept.set(jobId, found);
    }
    return found;
  }

  put(order: Order): void {
    this.#kept.set(order.jobId, order);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** Undefined where the job was forgotten. */
  async get(jobId: string): Promise<Order | undefined> {
    const found = this.peek(jobId);
    if (found) return found;
    const row = await this.#db.selectFrom('job').selectAll().where('id', '=', jobId).executeTakeFirst();
    if (!row) return undefined;
    const order: Order = {
      jobId,
      call: callOf(readWork(row.work_json)),
      context: row.context,
      actor: row.actor,
      timeoutSeconds: row.timeout_seconds,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    };
    this.put(order);
    return order;
  }
}
