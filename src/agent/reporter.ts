/**
 * Reports of the machine while a channel is open: telemetry at the engine's interval; inventory when it changed, which is
 * looked at now and then, and as often as telemetry for its networks: what a VPN service must not take is to be known.
 */
import type { Clock } from '../sys/clock.ts';
import type { Uplink, Welcome } from './channel.ts';
import type { InventorySource } from './inventory.ts';
import type { AgentLog } from './log.ts';
import type { TelemetrySource } from './telemetry.ts';

const INVENTORY_LOOK_MS = 600_000;

export interface ReporterOptions {
  readonly uplink: Uplink;
  readonly telemetry: TelemetrySource;
  readonly inventory: InventorySource | null;
  readonly clock: Clock;
  readonly log: AgentLog;
  readonly random?: () => number;
}

export class Reporter {
  readonly #options: ReporterOptions;
  #timer: NodeJS.Timeout | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #networks = '';
  /** What was last sent on this channel. */
  #sent: object | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /**
   * Reports at once, then regularly, out of step with the other agents that came back at the same moment. Who has reported lately
   * goes on when its time has come: ten thousand that were cut off together are connected first.
   */
  online({ telemetry_ms }: Welcome): void {
    const { random = Math.random, clock } = this.#options;
    this.offline();
    const left = this.#reportedAt + telemetry_ms - clock.monotonic();
    if (left <= 0) this.#report();
    this.#timer = setTimeout(
      () => {
        this.#report();
        this.#timer = setInterval(() => this.#report(), telemetry_ms);
      },
      left > 0 ? left : telemetry_ms * (0.5 + random() / 2),
    );
  }

  offline(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sent = undefined;
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  #report(): void {
    this.#reportedAt = this.#options.clock.monotonic();
    this.#sendTelemetry().catch((error: unknown) =>
      this.#options.log.warn({ err: error }, 'telemetry could not be measured'),
    );
    this.#lookAtInventory().catch((error: unknown) =>
      this.#options.log.warn({ err: error }, 'the inventory could not be collected'),
    );
  }

  async #lookAtInventory(): Promise<void> {
    const { inventory, clock } = this.#options;
    if (!inventory) return;
    const now = clock.monotonic();
    const isDue = now - this.#lookedAt >= INVENTORY_LOOK_MS;
    if (isDue) this.#lookedAt = now;
    const networks = await inventory.networks();
    if (!isDue && networks === this.#networks) return;
    this.#networks = networks;
    await this.#sendInventory(inventory);
  }

  async #sendTelemetry(): Promise<void> {
    const { telemetry, uplink } = this.#options;
    uplink.send({ type: 'TELEMETRY', sample: await telemetry.sample() });
  }

  async #sendInventory(source: InventorySource): Promise<void> {
    const inventory = await source.current();
    if (inventory !== this.#sent && this.#options.uplink.send({ type: 'INVENTORY', inventory }))
      this.#sent = inventory;
  }
}
