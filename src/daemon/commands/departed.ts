/**
 * Commands for a device that was revoked or removed: nobody will take them any more, so they end at once instead of
 * waiting for their time to run out. Should the engine be killed in between, their time runs out after all.
 */
import type { Logger } from 'pino';
import type { Event } from '../../protocol/event.ts';
import type { Store, Transaction } from '../../store/store.ts';
import { changeOf } from './expiry.ts';
import { type SettleParts, settle, type TargetChange } from './settle.ts';
import { asTargetRow, TargetStatements, targetRows, type Verdict } from './targets.ts';

const BATCH = 250;
const VERDICT: Verdict = { state: 'cancelled', errorCode: 'DEVICE_REVOKED' };

export interface DepartedParts extends SettleParts {
  readonly store: Store;
  readonly log: Logger;
}

export class Departed {
  readonly #parts: DepartedParts;
  readonly #statements: TargetStatements;
  readonly #unsubscribe: () => void;
  #ending: Promise<void> = Promise.resolve();

  constructor(parts: DepartedParts) {
    this.#parts = parts;
    this.#statements = new TargetStatements(parts.store.read);
    this.#unsubscribe = parts.events.subscribe((event) => this.#heard(event));
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#ending;
  }

  #heard({ type, guid, device }: Event): void {
    if (guid === null || (type !== 'device.revoked' && type !== 'device.removed')) return;
    this.#ending = this.#ending
      .then(() => this.#endAll(guid, device ?? guid))
      .catch((error: unknown) => {
        this.#parts.log.warn(
          { err: error, device },
          'commands of a device that is gone wait for their time to run out',
        );
      });
  }

  async #endAll(guid: string, device: string): Promise<void> {
    while ((await this.#parts.store.write((tx) => this.#end(tx, guid, device))) === BATCH);
  }

  async #end(tx: Transaction, guid: string, device: string): Promise<number> {
    const { clock } = this.#parts;
    const rows = await targetRows(tx.db)
      .where('job_target.guid', '=', guid)
      .where('job_target.finished_at', 'is', null)
      .orderBy('job_target.expires_at')
      .limit(BATCH)
      .execute();
    const changes: TargetChange[] = [];
    for (const target of rows.map(asTargetRow)) {
      await this.#statements.close(tx.db, target.corr_id, VERDICT, clock.now());
      // One that was cancelled while the device was away has had its end told already.
      if (target.state === 'queued' || target.state === 'running')
        changes.push({ ...changeOf(target, VERDICT), device });
    }
    await settle(tx, changes, this.#parts);
    return rows.length;
  }
}
