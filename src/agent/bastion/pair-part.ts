/** The part in a pair that a service has on this device, if it has one: another one when it is told another one. */
import type { HostedHa } from '../../protocol/bastion.ts';
import type { HaPart } from './hosted-parts.ts';

export class PairPart {
  readonly #open: (ha: HostedHa) => Promise<HaPart>;
  #part: HaPart | undefined;
  #as = '';
  #key: string | undefined;

  constructor(open: (ha: HostedHa) => Promise<HaPart>) {
    this.#open = open;
  }

  get part(): HaPart | undefined {
    return this.#part;
  }

  /** Null: in none. Where the other one is heard, and the key, change in place. Errors: those of `open`. */
  async be(ha: HostedHa | null): Promise<void> {
    const as = ha ? JSON.stringify({ ...ha, other_endpoint: null, key: null }) : '';
    if (as !== this.#as) {
      const old = this.#part;
      this.#part = undefined;
      this.#as = '';
      await old?.close();
      if (ha) {
        this.#part = await this.#begun(ha);
        this.#as = as;
        this.#key = ha.key;
      }
    }
    if (!ha || !this.#part) return;
    if (this.#key !== ha.key) this.#part.rekey(ha.key);
    this.#key = ha.key;
    this.#part.turnTo(ha.other_endpoint);
  }

  async #begun(ha: HostedHa): Promise<HaPart> {
    const opened = await this.#open(ha);
    try {
      opened.start();
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }
}
