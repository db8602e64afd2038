/**
 * The VPN services that this device hosts: made, changed and removed by signed words of the engine, and by nothing else;
 * kept over restarts. What they are and who uses them is told to the engine.
 */
import type { BastionWord } from '../channel.ts';
import type { BastionParts } from './bastion-parts.ts';
import { HostedServices } from './hosted-services.ts';
import { Orders } from './orders.ts';
import { Reports } from './reports.ts';

const TOLD_MS = 2_000;
const RETRY_MS = 5_000;
/** Between two looks whether the firewalls are there. */
const GUARD_MS = 1_000;
/** How late the end of an expiry may be noticed. */
const EXPIRE_MS = 250;

export class AgentBastion {
  readonly #parts: BastionParts;
  readonly #services: HostedServices;
  readonly #reports: Reports;
  readonly #orders: Orders;
  #timers: NodeJS.Timeout[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(parts: BastionParts) {
    this.#parts = parts;
    this.#services = new HostedServices({ ...parts, changed: (entry) => this.#reports.tell(entry) });
    this.#reports = new Reports(parts, () => this.#services.all);
    this.#orders = new Orders(parts, this.#services, this.#reports);
  }

  /** What was kept is taken up at once, with an engine or without. */
  async start(): Promise<void> {
    const { seen, clock, kept } = this.#parts;
    await seen.open(clock.now());
    const found = await kept.open();
    this.#serially(() => this.#services.clearLeft());
    this.#serially(async () => {
      for (const one of found) await (await this.#services.add(one)).hosted.apply();
      // Of an agent that was killed when its last one had gone.
      await this.#services.release();
    });
    this.#timers = [
      setInterval(() => this.#reports.tellPeers(), TOLD_MS),
      setInterval(() => this.#retry(), RETRY_MS),
      setInterval(() => this.#guard(), GUARD_MS),
      setInterval(() => this.#expire(), EXPIRE_MS),
    ];
  }

  /** Never throws. */
  heard(word: BastionWord): void {
    if (word.type === 'BASTION') {
      this.#serially(() => this.#orders.obey(word.envelope, () => !this.#closed));
      return;
    }
    const { hosted, switches } = this.#services.get(word.service) ?? {};
    if (word.type === 'BASTION_VOTE') hosted?.ha?.vote(word.from, word.message);
    else
      void switches
        ?.seen(word.ids)
        .catch((error: unknown) =>
          this.#parts.log.warn({ err: error }, 'it could not be kept what the engine knows'),
        );
  }

  /** There is a channel again. */
  online(): void {
    this.#reports.tellAnew();
  }

  /** The engine has said that this device may host nothing any more. */
  forbid(): void {
    // In its turn: what came before it is taken up first, and goes too.
    this.#serially(() => this.#services.dropAll());
  }

  /** Of the address that it has it is got rid first, where another one can take it. Nothing is left but what is kept. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#turn;
    await this.#services.close();
    await this.#parts.seen.close();
  }

  #retry(): void {
    const services = this.#services;
    if (services.hasLeft) this.#serially(() => services.clearLeft());
    for (const { hosted } of services.all) {
      if (hosted.isGone) {
        this.#serially(async () => {
          if (services.get(hosted.id)?.hosted.isGone) await services.drop(hosted.id);
        });
        continue;
      }
      hosted
        .needsApply()
        .then((needs) => (needs ? hosted.apply() : undefined))
        .catch((error: unknown) =>
          this.#parts.log.warn({ err: error }, 'a VPN service could not be looked at'),
        );
    }
  }

  /** Without its firewall a service leads everywhere. */
  #guard(): void {
    for (const { hosted } of this.#services.all)
      hosted
        .guard()
        .catch((error: unknown) =>
          this.#parts.log.warn({ err: error }, 'the firewall of a VPN service could not be looked at'),
        );
  }

  #expire(): void {
    // Never rejects: what fails is told, and tried again.
    for (const { hosted } of this.#services.all) void hosted.expire();
  }

  /** One after the other; what fails is logged and ends nothing. */
  #serially(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      this.#parts.log.error({ err: error }, 'the VPN services could not be changed');
    });
  }
}
