/**
 * Brings commands to their agents. The store is the queue: what is open and has not expired is sent when its agent
 * connects, oldest first, and again on each new channel until the agent says that it has it. Signing happens here, at
 * the time of sending, a few at a time so that ten thousand do not hold up everybody else.
 */
import type { Logger } from 'pino';
import type { AgentContext } from '../../protocol/scalars.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentChannel } from '../channel/agent-channel.ts';
import { allowAnswers } from '../channel/budget.ts';
import { Arrivals } from './arrivals.ts';
import { Delivery, type Entry, WINDOW } from './delivery.ts';
import type { Orders } from './orders.ts';
import type { CommandSigner } from './signer.ts';

/** Sent in one go before everybody else gets a turn. */
const BURST = 25;
/**
 * Commands that were sent lately and not accepted yet, of all agents, before the next ones wait a little. Agents that share
 * a host or a link read everything that has come before any of them answers: sent to as they accept, both ends are busy.
 * One that hangs counts for LATELY_MS, so even a fleet that hangs holds nobody up for longer.
 */
const UNDER_WAY = 400;
const LATELY_MS = 200;
const LOOK_MS = 5;
/** Bytes of commands that may wait for slow networks, all together. */
const UNSENT_LIMIT = 67_108_864;
/** A command that the agent has already is sent once more only where that cannot reach it too late. */
const RESEND_MARGIN_MS = 60_000;
/** An agent that says nothing to a cancellation is asked again. */
const CANCEL_AGAIN_MS = 15_000;

export interface DispatcherParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly orders: Orders;
  readonly signer: CommandSigner;
  readonly channel: (guid: string, context: AgentContext) => AgentChannel | undefined;
}

interface OpenTarget {
  readonly corr_id: string;
  readonly job_id: string;
  readonly state: string;
  readonly cancel_at: number | null;
  readonly job_expires_at: number;
  readonly actor: string;
}

export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #deliveries = new Map<AgentChannel, Delivery>();
  readonly #arrivals: Arrivals;
  #queue: { readonly delivery: Delivery; readonly entry: Entry }[] = [];
  #pumping = false;
  #unsent = 0;
  /** In the order in which they were sent. */
  #sentLately: { readonly entry: Entry; readonly at: number }[] = [];
  #stopped = false;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.#arrivals = new Arrivals({
      ...parts,
      awaited: (channel) => {
        const delivery = this.#deliveryOf(channel);
        delivery.backlog = true;
        this.#continue(delivery);
      },
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#arrivals.stop();
  }

  /** The channel is ready; whatever waits for its agent is sent. */
  arrived(channel: AgentChannel): void {
    this.#arrivals.add(channel);
  }

  gone(channel: AgentChannel): void {
    this.#deliveries.delete(channel);
  }

  /** A target that was just stored. */
  offer(
    target: { readonly corrId: string; readonly jobId: string; readonly guid: string },
    context: AgentContext,
  ): void {
    const channel = this.#parts.channel(target.guid, context);
    if (!channel) return;
    const delivery = this.#deliveryOf(channel);
    if (delivery.backlog || delivery.settledSince || delivery.room <= 0) delivery.backlog = true;
    else this.#enqueue(delivery, delivery.add(target.corrId, target.jobId, 'waiting'));
  }

  /** The command under way, where the channel has it. */
  entry(channel: AgentChannel, corrId: string): Entry | undefined {
    return this.#deliveries.get(channel)?.entries.get(corrId);
  }

  /** The agent answered; the command must not be sent to it again. */
  answered(channel: AgentChannel, corrId: string): void {
    const delivery = this.#deliveries.get(channel);
    delivery?.settledSince?.add(corrId);
    const entry = delivery?.entries.get(corrId);
    if (entry) entry.phase = 'answered';
  }

  settled(channel: AgentChannel, corrId: string): void {
    const delivery = this.#deliveries.get(channel);
    if (!delivery) return;
    delivery.settle(corrId);
    this.#continue(delivery);
  }

  /**
   * Nobody wants the command any more. True where it may have reached its agent, which is then to be told with `cancel`
   * once that is in the store. Otherwise it is not sent from this moment on.
   */
  withdraw(guid: string, context: AgentContext, corrId: string): boolean {
    const channel = this.#parts.channel(guid, context);
    const delivery = channel && this.#deliveries.get(channel);
    const entry = delivery?.entries.get(corrId);
    if (entry && entry.phase !== 'waiting') return true;
    if (!delivery) return false;
    delivery.settle(corrId);
    // Should the change not be stored after all, the store says so.
    delivery.backlog = true;
    return false;
  }

  /** Tells the agent to end the command, now and until it answers. */
  cancel(guid: string, context: AgentContext, corrId: string, jobId: string, actor: string): void {
    const channel = this.#parts.channel(guid, context);
    if (!channel) return;
    const delivery = this.#deliveryOf(channel);
    this.#sendCancel(
      delivery,
      delivery.entries.get(corrId) ?? delivery.add(corrId, jobId, 'accepted'),
      actor,
    );
  }

  /** Once a second: cancellations that were not answered, and whoever was left behind for lack of room. */
  tick(now: number): void {
    for (const delivery of this.#deliveries.values()) {
      for (const entry of delivery.entries.values()) {
        if (entry.cancelledAt !== null && now - entry.cancelledAt >= CANCEL_AGAIN_MS)
          this.#sendCancel(delivery, entry, entry.cancelledBy);
      }
      this.#continue(delivery);
    }
    this.#pump();
  }

  get underWay(): number {
    let count = 0;
    for (const { entries } of this.#deliveries.values()) count += entries.size;
    return count;
  }

  #deliveryOf(channel: AgentChannel): Delivery {
    const found = this.#deliveries.get(channel);
    if (found) return found;
    const made = new Delivery(channel);
    this.#deliveries.set(channel, made);
    return made;
  }

  /** Takes from the store what there is room for, or forgets the delivery where nothing is left. */
  #continue(delivery: Delivery): void {
    if (delivery.idle) this.#deliveries.delete(delivery.channel);
    else if (delivery.backlog && !delivery.settledSince && delivery.room > 0) void this.#refill(delivery);
  }

  async #refill(delivery: Delivery): Promise<void> {
    const settled = new Set<string>();
    delivery.settledSince = settled;
    delivery.backlog = false;
    let rows: OpenTarget[] = [];
    const limit = delivery.entries.size + WINDOW + 1;
    try {
      rows = await this.#open(delivery.channel, limit);
    } catch (error) {
      this.#parts.log.error(
        { err: error, device: delivery.channel.name },
        'waiting commands could not be read',
      );
      delivery.backlog = true;
    }
    delivery.settledSince = undefined;
    if (delivery.channel.phase !== 'ready') return;
    if (rows.length === limit) delivery.backlog = true;
    try {
      for (const row of rows) {
        if (settled.has(row.corr_id) || delivery.entries.has(row.corr_id)) continue;
        if (delivery.room > 0) this.#take(delivery, row);
        else delivery.backlog = true;
      }
    } catch (error) {
      this.#parts.log.error({ err: error, device: delivery.channel.name }, 'a command could not be taken up');
    }
    if (delivery.idle) this.#deliveries.delete(delivery.channel);
  }

  #take(delivery: Delivery, row: OpenTarget): void {
    if (row.cancel_at !== null) {
      this.#sendCancel(delivery, delivery.add(row.corr_id, row.job_id, 'accepted'), row.actor);
      return;
    }
    const remaining = row.job_expires_at - this.#parts.clock.now();
    const send = remaining > (row.state === 'queued' ? 0 : RESEND_MARGIN_MS);
    const entry = delivery.add(row.corr_id, row.job_id, send ? 'waiting' : 'accepted');
    if (send) this.#enqueue(delivery, entry);
  }

  #open({ guid, context }: AgentChannel, limit: number): Promise<OpenTarget[]> {
    return this.#parts.store.read
      .selectFrom('job_target')
      .innerJoin('job', 'job.id', 'job_target.job_id')
      .select(['corr_id', 'job_id', 'job_target.state', 'cancel_at', 'actor'])
      .select('job.expires_at as job_expires_at')
      .where('job_target.guid', '=', guid)
      .where('job_target.finished_at', 'is', null)
      .where('job_target.expires_at', '>', this.#parts.clock.now())
      .where('job.context', '=', context)
      .orderBy('job.created_at')
      .orderBy('corr_id')
      .limit(limit)
      .execute();
  }

  #enqueue(delivery: Delivery, entry: Entry): void {
    this.#queue.push({ delivery, entry });
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping || this.#queue.length === 0) return;
    this.#pumping = true;
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    let next = 0;
    try {
      while (next < this.#queue.length && this.#unsent < UNSENT_LIMIT && !this.#stopped) {
        const { delivery, entry } = this.#queue[next++]!;
        await this.#send(delivery, entry);
        if (next % BURST !== 0) continue;
        await new Promise<void>((turn) => setImmediate(turn));
        while (this.#manyUnderWay() && !this.#stopped)
          await new Promise<void>((turn) => setTimeout(turn, LOOK_MS));
      }
    } finally {
      this.#queue.splice(0, next);
      this.#pumping = false;
    }
    if (this.#unsent < UNSENT_LIMIT && !this.#stopped) this.#pump();
  }

  #manyUnderWay(): boolean {
    const since = this.#parts.clock.monotonic() - LATELY_MS;
    this.#sentLately = this.#sentLately.filter(({ entry, at }) => at > since && entry.phase === 'sent');
    return this.#sentLately.length >= UNDER_WAY;
  }

  async #send(delivery: Delivery, entry: Entry): Promise<void> {
    const { orders, signer, clock, log } = this.#parts;
    const { channel } = delivery;
    const { corrId, jobId } = entry;
    try {
      const order = orders.peek(jobId) ?? (await orders.get(jobId));
      // Withdrawn, answered, or the channel closed meanwhile.
      if (entry.phase !== 'waiting' || delivery.entries.get(corrId) !== entry) return;
      if (!order || order.expiresAt <= clock.now()) {
        delivery.settle(corrId);
        return;
      }
      const text = `{"type":"COMMAND","envelope":"${signer.command(corrId, channel.guid, order)}"}`;
      this.#unsent += text.length;
      if (channel.sendText(text, () => this.#sent(text.length))) {
        entry.phase = 'sent';
        this.#sentLately.push({ entry, at: clock.monotonic() });
        allowAnswers(channel);
      } else {
        this.#sent(text.length);
        delivery.settle(corrId);
        delivery.backlog = true;
      }
    } catch (error) {
      delivery.settle(corrId);
      delivery.backlog = true;
      log.error({ err: error, device: channel.name, corr_id: corrId }, 'a command could not be sent');
    }
  }

  #sent(bytes: number): void {
    this.#unsent -= bytes;
    if (this.#queue.length > 0 && this.#unsent < UNSENT_LIMIT / 2) this.#pump();
  }

  #sendCancel(delivery: Delivery, entry: Entry, actor: string): void {
    const { signer, clock } = this.#parts;
    const { channel } = delivery;
    entry.cancelledAt = clock.monotonic();
    entry.cancelledBy = actor;
    const by = { jobId: entry.jobId, actor, now: clock.now() };
    channel.send({
      type: 'CANCEL',
      envelope: signer.cancel(entry.corrId, channel.guid, channel.context, by),
    });
    allowAnswers(channel);
  }
}
