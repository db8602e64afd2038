/**
 * Sees to it that the engine's interface stands while there are tunnels, and its firewall: its wireguard-go may be ended by
 * the kernel's out-of-memory killer or by a person, may hang, a link may be deleted, and all tables of nftables flushed.
 */
import type { Logger } from 'pino';
import type { OwnEnd } from './engine-end.ts';

export interface UpkeepParts {
  readonly end: Pick<OwnEnd, 'stands' | 'guarded'>;
  /** Makes it again, and sessions through it. */
  readonly makeAnew: () => Promise<void>;
  /** All of it as it should be; sessions live on. */
  readonly apply: () => Promise<void>;
  readonly log: Logger;
}

export class Upkeep {
  readonly #parts: UpkeepParts;
  #looking: Promise<void> | undefined;
  #troubled = false;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** One look at a time; what fails is tried again at the next. */
  look(): void {
    this.#looking ??= this.#once().finally(() => {
      this.#looking = undefined;
    });
  }

  /** Resolves when no look is under way any more. */
  async settled(): Promise<void> {
    await this.#looking;
  }

  async #once(): Promise<void> {
    const { end, makeAnew, apply, log } = this.#parts;
    try {
      if (await end.stands()) {
        if (!(await end.guarded())) {
          if (!this.#troubled) log.error('the firewall of the tunnels was taken away');
          await apply();
        }
        this.#troubled = false;
        return;
      }
      if (!this.#troubled)
        log.warn('the interface of the tunnels is gone, or does not answer; it is made anew');
      await makeAnew();
      this.#troubled = false;
    } catch (error) {
      if (!this.#troubled)
        log.error({ err: error }, 'the interface of the tunnels, or its firewall, could not be made anew');
      this.#troubled = true;
    }
  }
}
