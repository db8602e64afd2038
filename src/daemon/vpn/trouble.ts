/** What is wrong with a service: told once when it begins, and once when it is over. */
import type { EndParts } from './end.ts';
import type { ServiceRow } from './rows.ts';

export class Trouble {
  readonly #parts: Pick<EndParts, 'store' | 'events' | 'log'>;
  readonly #row: ServiceRow;
  #failure: Error | null = null;

  constructor(row: ServiceRow, parts: Pick<EndParts, 'store' | 'events' | 'log'>) {
    this.#row = row;
    this.#parts = parts;
  }

  get failure(): Error | null {
    return this.#failure;
  }

  async failed(error: Error): Promise<void> {
    const known = this.#failure?.message === error.message;
    this.#failure = error;
    if (known) return;
    this.#parts.log.error({ err: error, vpn: this.#row.name }, 'a VPN service is not as it should be');
    await this.#tell(`The VPN service ${this.#row.name} failed: ${error.message}`, 'failed');
  }

  async over(): Promise<void> {
    if (!this.#failure) return;
    this.#failure = null;
    await this.#tell(`The VPN service ${this.#row.name} is up again`, 'up');
  }

  async #tell(message: string, change: string): Promise<void> {
    const { store, events, log } = this.#parts;
    const data = { vpn: this.#row.name, change };
    await store
      .write((tx) => events.record(tx, { type: 'vpn.changed', message, data }))
      .catch((error: unknown) => log.error({ err: error }, 'an event could not be recorded'));
  }
}
