/**
 * What agents say of their commands, on its way into the store: many in one transaction, acknowledged after its commit
 * and not before. While a batch is being written the next one gathers, so that one alone waits for nobody and ten
 * thousand share a few commits. Where the disk refuses, they wait here, within bounds, and are tried again each second;
 * agents keep what was not acknowledged anyway.
 */
import type { Logger } from 'pino';
import { nodeVerifyLater } from '../../crypto/ed25519.ts';
import type { ResultClaims } from '../../protocol/command.ts';
import type { Store, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentChannel } from '../channel/agent-channel.ts';
import type { FrameOf } from '../channel/consumer.ts';
import type { SecurityWatch } from '../trust/security-watch.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { checkResult } from './result-check.ts';
import { type SettleParts, settle, type TargetChange } from './settle.ts';
import {
  asTargetRow,
  isStoreTrouble,
  stateOfResult,
  type TargetRow,
  TargetStatements,
  targetRows,
} from './targets.ts';

const BATCH = 500;
/** When more than FEW came within WINDOW_MS, more are coming: they gather for GATHER_MS and share what a commit costs. */
const FEW = 8;
const WINDOW_MS = 100;
const GATHER_MS = 60;
/** Characters of results that may wait for a store that refuses them. */
const WAITING_LIMIT = 67_108_864;

interface Said {
  readonly channel: AgentChannel;
  readonly corrId: string;
  /** Null where the command was accepted. */
  readonly result: { readonly claims: ResultClaims; readonly jws: string } | null;
}

export type Outcome = 'stored' | 'refused';

export interface InboxParts extends SettleParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly watch: Pick<SecurityWatch, 'alert' | 'count'>;
  /** A result is what it says, and on its way into the store; the command must not be sent again. */
  readonly answered: (channel: AgentChannel, corrId: string) => void;
  /** A result was stored, or will never be; the command needs no place among those under way any more. */
  readonly settled: (channel: AgentChannel, corrId: string) => void;
}

export class Inbox {
  readonly #parts: InboxParts;
  readonly #statements: TargetStatements;
  #waiting: Said[] = [];
  #characters = 0;
  #writing: Promise<void> | undefined;
  /** Results whose signatures are being looked at, on other threads. */
  readonly #checking = new Set<Promise<void>>();
  readonly #acknowledgements = new Acknowledgements();
  /** The store refused; the next tick tries again. */
  #held = false;
  /** How many were written since when, monotonic. */
  #written = 0;
  #countedFrom = 0;

  constructor(parts: InboxParts) {
    this.#parts = parts;
    this.#statements = new TargetStatements(parts.store.read);
  }

  accepted(channel: AgentChannel, corrId: string): void {
    this.#add({ channel, corrId, result: null });
  }

  result(channel: AgentChannel, frame: FrameOf<'RESULT'>): void {
    if (!this.#admit(frame.envelope)) return;
    const checking = this.#check(channel, frame).finally(() => this.#checking.delete(checking));
    this.#checking.add(checking);
  }

  async #check(channel: AgentChannel, frame: FrameOf<'RESULT'>): Promise<void> {
    const { corr_id: corrId, envelope: jws } = frame;
    try {
      const { claims, code, problem } = await checkResult(frame, channel, nodeVerifyLater);
      if (claims) {
        this.#add({ channel, corrId, result: { claims, jws } });
        this.#parts.answered(channel, corrId);
        return;
      }
      this.#alert(channel, corrId, code, problem);
    } catch (error) {
      this.#parts.log.error({ err: error, device: channel.name }, 'a result could not be checked');
    }
    this.#characters -= jws.length;
  }

  tick(): void {
    this.#held = false;
    if (this.#waiting.length > 0) this.#write();
  }

  async close(): Promise<void> {
    await Promise.all(this.#checking);
    await this.#writing;
    this.#acknowledgements.close();
  }

  /** False where there is no room: the agent keeps what is not acknowledged, and sends it again. */
  #admit(jws: string): boolean {
    if (this.#characters + jws.length > WAITING_LIMIT) return false;
    this.#characters += jws.length;
    return true;
  }

  #add(said: Said): void {
    this.#waiting.push(said);
    if (!this.#held) this.#write();
  }

  #write(): void {
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#held) {
      // One turn of the loop, so that what the sockets hold already comes along.
      await new Promise<void>((next) => setImmediate(next));
      if (this.#busy && this.#waiting.length < BATCH)
        await new Promise<void>((next) => setTimeout(next, GATHER_MS));
      // A result that is being checked comes along with the word that its command was accepted: one change, not two.
      await Promise.all(this.#checking);
      const batch = this.#waiting.splice(0, BATCH);
      this.#written += batch.length;
      await this.#store(batch);
    }
  }

  get #busy(): boolean {
    const now = this.#parts.clock.monotonic();
    if (now - this.#countedFrom > WINDOW_MS) {
      this.#countedFrom = now;
      this.#written = 0;
    }
    return this.#written + this.#waiting.length > FEW;
  }

  async #store(batch: readonly Said[]): Promise<void> {
    try {
      const refused = await this.#parts.store.write((tx) => this.#apply(tx, batch));
      this.#acknowledge(batch, refused);
    } catch (error) {
      this.#parts.log.error({ err: error, count: batch.length }, 'results could not be stored');
      if (isStoreTrouble(error)) {
        this.#waiting.unshift(...batch);
        this.#held = true;
      } else if (batch.length > 1) {
        // One of them is at fault: each by itself, so that the others do not suffer for it.
        for (const said of batch) await this.#store([said]);
      } else this.#forget(batch);
    }
  }

  #forget(batch: readonly Said[]): void {
    for (const { result } of batch) this.#characters -= result?.jws.length ?? 0;
  }

  #acknowledge(batch: readonly Said[], refused: ReadonlySet<Said>): void {
    this.#forget(batch);
    const stored: Said[] = [];
    for (const said of batch) {
      if (!said.result) continue;
      this.#parts.settled(said.channel, said.corrId);
      if (refused.has(said))
        this.#alert(said.channel, said.corrId, 'NOT_ADDRESSED', 'for the command of another agent');
      else stored.push(said);
    }
    // Many of one agent are what it has kept, and it waits with the rest for the word.
    const agents = new Set(stored.map(({ channel }) => channel)).size;
    if (agents > FEW) this.#acknowledgements.later(stored);
    else for (const said of stored) this.#acknowledgements.now(said);
  }

  /** Returns the results that are not the sender's to give. */
  async #apply(tx: Transaction, batch: readonly Said[]): Promise<Set<Said>> {
    const now = this.#parts.clock.now();
    const targets = await this.#targets(tx, batch);
    const done = new Map(batch.flatMap((said) => (said.result ? [[said.corrId, said.channel]] : [])));
    const refused = new Set<Said>();
    const changes: TargetChange[] = [];
    for (const said of batch) {
      const target = targets.get(said.corrId);
      // Of a job that was forgotten: the agent may forget it too.
      if (!target) continue;
      const { channel, result } = said;
      if (!result && done.get(said.corrId) === channel) continue;
      if (target.guid !== channel.guid || target.context !== channel.context) {
        if (result) refused.add(said);
        continue;
      }
      const state = result ? stateOfResult(result.claims) : 'running';
      if (result ? target.answered : target.state !== 'queued' || target.finished_at !== null) continue;
      if (result) await this.#statements.answer(tx.db, state, result.claims, result.jws, now);
      else await this.#statements.accept(tx.db, target, now);
      targets.set(said.corrId, { ...target, state, answered: result !== null });
      changes.push({
        jobId: target.job_id,
        guid: target.guid,
        device: target.device,
        corrId: said.corrId,
        from: target.state,
        to: state,
        exitCode: result?.claims.exit_code ?? null,
        errorCode: result?.claims.error_code ?? null,
      });
    }
    await settle(tx, changes, this.#parts);
    return refused;
  }

  async #targets(tx: Transaction, batch: readonly Said[]): Promise<Map<string, TargetRow>> {
    const ids = [...new Set(batch.map(({ corrId }) => corrId))];
    const rows = await targetRows(tx.db).where('corr_id', 'in', ids).execute();
    return new Map(rows.map((row) => [row.corr_id, asTargetRow(row)]));
  }

  #alert(
    channel: AgentChannel,
    corrId: string,
    code: 'INVALID_SIGNATURE' | 'SCHEMA_MISMATCH' | 'NOT_ADDRESSED',
    problem: string,
  ): void {
    this.#parts.watch.count(code);
    void this.#parts.watch.alert({
      code,
      subject: channel.guid,
      message: `${channel.name} sent a result ${problem}`,
      device: { guid: channel.guid, name: channel.name },
      data: { corr_id: corrId, context: channel.context, address: channel.address },
    });
  }
}
