/**
 * Commands from their arrival to their result. Nothing runs that was not verified and is not on disk; nothing runs
 * twice; each has one result.
 */
import type { CommandClaims } from '../protocol/command.ts';
import { BorealisError } from '../protocol/errors.ts';
import type { Clock } from '../sys/clock.ts';
import type { Order, Uplink } from './channel.ts';
import { Execution, type ExecutionSetting, type Finished, notRun } from './execution.ts';
import type { Journal, LeftOver, Stage } from './journal.ts';
import type { AgentLog } from './log.ts';
import { Refusals } from './refusals.ts';
import { type Signer, sealResult } from './result.ts';
import { ResultSender } from './result-sender.ts';
import type { Bound, Verb } from './verbs/verb.ts';
import { type CommandTrust, type Refusal, scriptTrust, verifyCommand } from './verify.ts';

/** Commands that may wait for one of the running to end; a further one is refused. */
const QUEUE_MAX = 64;
/** What is over by then has a result, which says as well that the command arrived. */
const ACCEPTED_AFTER_MS = 20;
/** Results that nobody fetches must not fill the disk. */
const UNSETTLED_MAX = 1_000;

export interface CommandDeskOptions {
  readonly trust: CommandTrust;
  readonly signer: Signer;
  readonly verbs: readonly Verb[];
  readonly journal: Journal;
  readonly uplink: Uplink;
  readonly clock: Clock;
  readonly log: AgentLog;
  readonly setting: ExecutionSetting;
  /** Commands that run at once. */
  readonly concurrency: number;
}

interface Waiting {
  readonly claims: CommandClaims;
  readonly bound: Bound;
}

export class CommandDesk {
  readonly #options: CommandDeskOptions;
  readonly #verbs: ReadonlyMap<string, Verb>;
  readonly #results: ResultSender;
  readonly #refusals: Refusals;
  readonly #running = new Map<string, { readonly execution: Execution; readonly over: Promise<void> }>();
  /** Known, but not on disk yet. */
  readonly #taking = new Set<string>();
  /** On disk, and the engine does not know yet. */
  readonly #unsaid = new Map<string, NodeJS.Timeout>();
  #queue: Waiting[] = [];
  /** Places promised to commands that are about to start, and to those about to wait. */
  #starting = 0;
  #queueing = 0;
  #stopping = false;

  constructor(options: CommandDeskOptions) {
    this.#options = options;
    this.#verbs = new Map(options.verbs.map((verb) => [verb.name, verb]));
    this.#results = new ResultSender(options);
    this.#refusals = new Refusals({ ...options, guid: options.trust.guid });
  }

  /** Messages refused since the start. */
  get refused(): number {
    return this.#refusals.count;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Settles what the last process left: what waited runs now, what ran has an outcome that nobody knows. */
  async resume(leftOver: readonly LeftOver[]): Promise<void> {
    for (const { stage, claims } of leftOver) {
      if (stage === 'started') await this.#finish(claims, this.#notRun('failed', 'AGENT_RESTARTED'));
      else await this.#admit(claims, (bound) => this.#wait({ claims, bound }));
    }
  }

  /** A channel is open: results that the engine does not have are sent. */
  online(): void {
    this.#results.online();
  }

  offline(): void {
    this.#results.offline();
  }

  order(order: Order): void {
    this.#dispatch(order).catch((error: unknown) =>
      this.#options.log.error({ err: error }, `a ${order.type} could not be dealt with`),
    );
  }

  /** Lets what runs go on for `graceMs`, then ends it. What waits stays on disk for the next start. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#queue = [];
    const running = [...this.#running.values()];
    const timer = setTimeout(() => {
      for (const { execution } of running) execution.end('stopped');
    }, graceMs);
    await Promise.all(running.map(({ over }) => over));
    clearTimeout(timer);
  }

  async #dispatch(order: Order): Promise<void> {
    if (order.type === 'RESULT_ACK') return this.#results.acknowledged(order.corr_id);
    const { trust, clock, journal } = this.#options;
    const { claims, refusal } = verifyCommand(order.envelope, trust, clock.now());
    const isCancel = order.type === 'CANCEL';
    // A cancellation has no result of its own.
    const refuse = (it: Refusal) => this.#refusals.refuse(isCancel ? { ...it, corrId: null } : it);
    if (refusal) return refuse(refusal);
    const known = journal.find(claims.corr_id);
    if (known && !isCancel && known.stage !== 'settled') return this.#again(claims.corr_id, known.stage);
    if (known || journal.hasNonce(claims.nonce))
      return refuse({
        code: 'REPLAY_DETECTED',
        detail: known ? 'It was settled before.' : 'Its nonce was used before.',
        corrId: claims.corr_id,
        signed: true,
      });
    return isCancel ? this.#cancel(claims, refuse) : this.#take(claims);
  }

  /** The engine did not hear that it arrived, or what it came to. */
  #again(corrId: string, stage: Stage): void {
    if (stage === 'finished') this.#results.add(corrId);
    else if (!this.#taking.has(corrId)) this.#options.uplink.send({ type: 'ACCEPTED', corr_id: corrId });
  }

  async #take(claims: CommandClaims): Promise<void> {
    const { journal, log } = this.#options;
    const { corr_id, verb, actor, policy_id } = claims;
    if (this.#stopping) return; // the engine sends it again when we are back
    if (journal.unsettled >= UNSETTLED_MAX)
      return log.error({ corr_id }, 'too many results wait for the engine; a command is not taken');
    const now = this.#queue.length === 0 && this.#free > 0;
    const full = !now && this.#queue.length + this.#queueing >= QUEUE_MAX;
    this.#taking.add(corr_id);
    this.#starting += now ? 1 : 0;
    this.#queueing += now ? 0 : 1;
    try {
      await journal.add(claims, now ? 'started' : 'queued');
    } catch (error) {
      log.error({ err: error, corr_id }, 'a command could not be written to disk; it does not run');
      return this.#refusals.refuse(unkept(corr_id, error));
    } finally {
      this.#taking.delete(corr_id);
      this.#starting -= now ? 1 : 0;
      this.#queueing -= now ? 0 : 1;
    }
    this.#unsaid.set(
      corr_id,
      setTimeout(() => this.#sayAccepted(corr_id), ACCEPTED_AFTER_MS),
    );
    log.info({ corr_id, verb, actor, policy_id }, 'command accepted');
    if (full)
      return this.#finish(claims, this.#notRun('refused', 'RATE_LIMITED', `${QUEUE_MAX} commands wait.`));
    await this.#admit(claims, (bound) =>
      now ? this.#start({ claims, bound }) : this.#wait({ claims, bound }),
    );
  }

  /** Before whatever else is said of the command. */
  #sayAccepted(corrId: string): void {
    if (this.#heard(corrId)) this.#options.uplink.send({ type: 'ACCEPTED', corr_id: corrId });
  }

  /** The engine need not be told any more that it arrived. False where it has been. */
  #heard(corrId: string): boolean {
    clearTimeout(this.#unsaid.get(corrId));
    return this.#unsaid.delete(corrId);
  }

  /** Checks verb and arguments; what is wrong with them is the command's result. */
  async #admit(claims: CommandClaims, go: (bound: Bound) => void): Promise<void> {
    const { verb, args, corr_id } = claims;
    try {
      const found = this.#verbs.get(verb);
      if (!found) throw new BorealisError('UNKNOWN_VERB', { detail: `It asks for ${verb}.` });
      go(found.bind(args, scriptTrust(this.#options.trust)));
    } catch (error) {
      if (!(error instanceof BorealisError)) throw error;
      if (error.code === 'INVALID_SIGNATURE')
        this.#refusals.refuse({
          code: error.code,
          detail: error.detail ?? '',
          corrId: corr_id,
          signed: false,
        });
      await this.#finish(claims, this.#notRun('refused', error.code, error.detail));
    }
  }

  #wait(waiting: Waiting): void {
    this.#queue.push(waiting);
    this.#startNext();
  }

  get #free(): number {
    return this.#stopping ? 0 : this.#options.concurrency - this.#running.size - this.#starting;
  }

  #startNext(): void {
    while (this.#free > 0) {
      const next = this.#queue.shift();
      if (!next) return;
      this.#starting += 1;
      this.#leaveQueue(next)
        .catch((error: unknown) =>
          this.#options.log.error(
            { err: error, corr_id: next.claims.corr_id },
            'a command could not be started',
          ),
        )
        .finally(() => this.#startNext());
    }
  }

  async #leaveQueue(next: Waiting): Promise<void> {
    const { journal, clock } = this.#options;
    const { claims } = next;
    try {
      if (claims.exp <= clock.now() / 1_000)
        return await this.#finish(
          claims,
          this.#notRun('refused', 'EXPIRED_TOKEN', 'It waited too long here.'),
        );
      await journal.started(claims.corr_id);
    } finally {
      this.#starting -= 1;
    }
    this.#start(next);
  }

  #start({ claims, bound }: Waiting): void {
    const { uplink, clock, setting, trust, log } = this.#options;
    const { corr_id } = claims;
    if (this.#stopping) return; // on disk as started: the next start answers AGENT_RESTARTED
    const telling: Uplink = {
      get buffered() {
        return uplink.buffered;
      },
      send: (frame) => {
        this.#sayAccepted(corr_id);
        return uplink.send(frame);
      },
    };
    const execution = new Execution({
      claims,
      bound,
      uplink: telling,
      clock,
      setting,
      context: trust.context,
    });
    const over = execution
      .run()
      .then((finished) => this.#finish(claims, finished, execution))
      .catch((error: unknown) => log.error({ err: error, corr_id }, 'a result could not be made'))
      .then(() => {
        this.#running.delete(corr_id);
        this.#startNext();
      });
    this.#running.set(corr_id, { execution, over });
  }

  async #finish(claims: CommandClaims, finished: Finished, output: Execution | null = null): Promise<void> {
    const { journal, signer, log, trust } = this.#options;
    const { corr_id, verb, actor } = claims;
    const envelope = sealResult({ corr_id, guid: trust.guid, ...finished }, output, signer);
    if (!(await journal.finished(corr_id, envelope)))
      log.error({ corr_id }, 'a result could not be written to disk; memory keeps it');
    const { state, exit_code, error_code, duration_ms } = finished;
    log.info({ corr_id, verb, actor, state, exit_code, error_code, duration_ms }, 'command ended');
    this.#heard(corr_id);
    this.#results.add(corr_id);
  }

  async #cancel(claims: CommandClaims, refuse: (refusal: Refusal) => void): Promise<void> {
    const { journal, log } = this.#options;
    const target = claims.args.corr_id;
    if (claims.verb !== 'cancel_command' || typeof target !== 'string')
      return refuse({ code: 'SCHEMA_MISMATCH', detail: 'It cancels nothing.', corrId: null, signed: true });
    await journal.remember(claims);
    log.info({ corr_id: target, actor: claims.actor }, 'cancellation accepted');
    this.#running.get(target)?.execution.end('cancelled');
    const waiting = this.#queue.find((queued) => queued.claims.corr_id === target);
    if (!waiting) return;
    this.#queue = this.#queue.filter((queued) => queued !== waiting);
    await this.#finish(waiting.claims, this.#notRun('cancelled', 'JOB_CANCELLED'));
  }

  #notRun(state: Finished['state'], code: BorealisError['code'], detail?: string | undefined): Finished {
    return notRun(state, code, this.#options.clock, detail);
  }
}

const unkept = (corrId: string, error: unknown): Refusal => ({
  code: error instanceof BorealisError ? error.code : 'STORE_FAILED',
  detail: 'The command did not run.',
  corrId,
  signed: true,
});
