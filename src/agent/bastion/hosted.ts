/** One VPN service on this device: its network as the engine wants it, and its part in a pair, if it has one. */
import { digestText } from '../../crypto/service-digest.ts';
import type { BastionStateFrame } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { publicKeyOf } from '../../wg/keys.ts';
import type { ObservedPeer } from '../../wg/types.ts';
import type { Kept } from './amended.ts';
import { type Change, HostedNetwork } from './hosted-network.ts';
import type { HaPart, HostedParts } from './hosted-parts.ts';
import type { Leaving } from './kept.ts';
import { PairPart } from './pair-part.ts';
import { Queue } from './queue.ts';
import type { Whereabouts } from './whereabouts.ts';

export class Hosted {
  readonly #parts: HostedParts;
  #kept: Kept;
  /** That is in force; 0: none yet. */
  #revision = 0;
  #failure: BorealisError | null = null;
  /** With turns of its own: a part in a pair that ends in a turn wants the network once more. */
  readonly #network: HostedNetwork;
  readonly #pair: PairPart;
  readonly #turns = new Queue();
  #guarding = false;

  constructor(kept: Kept, parts: HostedParts, whereabouts: Whereabouts) {
    this.#kept = kept;
    this.#parts = parts;
    const { network, clock, log } = parts;
    this.#network = new HostedNetwork({ network, clock, log, kept: () => this.#kept, whereabouts });
    this.#pair = new PairPart((ha) =>
      parts.openHa(ha, this.#network, () => this.#revision, this.#kept.service),
    );
  }

  get id(): string {
    return this.#kept.service.id;
  }

  get interfaceName(): string {
    return this.#network.name;
  }

  get kept(): Kept {
    return this.#kept;
  }

  /** It has come to its end, whether that went well or not: it serves nobody again. */
  get isGone(): boolean {
    return this.#network.isGone;
  }

  get ha(): HaPart | undefined {
    return this.#pair.part;
  }

  get frame(): BastionStateFrame {
    const failure = this.#failure ?? this.ha?.failure ?? null;
    return {
      type: 'BASTION_STATE',
      service: this.id,
      revision: this.#revision,
      // Without the address it serves whoever comes to its own; the part in a pair says itself that it failed.
      state: this.#failure ? 'failed' : 'up',
      error_code: failure && (failure instanceof BorealisError ? failure.code : 'INTERNAL'),
      error: failure?.message.slice(0, 2_000) ?? null,
      ha: this.ha?.state ?? null,
      digest: digestText(this.#kept.digest),
    };
  }

  /** What of it must be taken from the machine when it goes, and no key. */
  get leaving(): Leaving {
    const { id, ha, network } = this.#kept.service;
    const { name = '', privateKey = '' } = network.interfaces[0] ?? {};
    return {
      id,
      interface: name,
      publicKey: publicKeyOf(privateKey),
      ha: ha && { address: ha.address, interface: ha.interface },
    };
  }

  peers(): Promise<readonly ObservedPeer[] | null> {
    return this.#network.peers();
  }

  /** Like this from now on. What fails is told in `frame`, and tried again by whoever calls `apply`. */
  async be(kept: Kept, change?: Change): Promise<void> {
    const from = this.#kept.revision;
    this.#kept = kept;
    await this.#turns.add(async () => {
      if (!change || !(await this.#amend(from, kept.revision, change))) await this.#apply();
    });
  }

  async #amend(from: number, to: number, change: Change): Promise<boolean> {
    if (this.#revision !== from || this.#failure) return false;
    if (!(await this.#network.amend(change))) return false;
    this.#revision = to;
    this.#parts.told();
    return true;
  }

  /** Whether it should be applied again: it failed, or its network is not as it should be. */
  async needsApply(): Promise<boolean> {
    return this.#failure !== null || (await this.#network.needsApply());
  }

  /** Puts its firewall back where somebody has taken it away. */
  async guard(): Promise<void> {
    if (!this.#mayGuard || (await this.#network.guarded())) return;
    const vpn = this.#kept.service.name;
    this.#parts.log.error({ vpn }, 'the firewall of a VPN service was taken away');
    await this.#applyOnce();
  }

  /** Puts whoever has expired out. To be called often: it costs nothing where nobody has. */
  async expire(): Promise<void> {
    if (this.#mayGuard && this.#network.hasExpired) await this.#applyOnce();
  }

  /** What failed is tried again anyway. */
  get #mayGuard(): boolean {
    return !this.#guarding && this.#revision > 0 && !this.#failure;
  }

  async #applyOnce(): Promise<void> {
    this.#guarding = true;
    await this.apply();
    this.#guarding = false;
  }

  /** Never rejects. */
  apply(): Promise<void> {
    return this.#turns.add(() => this.#apply());
  }

  async #apply(): Promise<void> {
    if (this.isGone) return;
    const { forwarding, leniency, log, told } = this.#parts;
    const { service, revision } = this.#kept;
    const before = `${this.#revision} ${this.#failure?.message}`;
    try {
      // First: who is shut out is out, whatever fails after that; and packets are passed on behind a firewall only.
      await this.#network.apply();
      await forwarding.demand(new Set(service.families));
      if (service.ha) await leniency.demand();
      await this.#pair.be(service.ha);
      this.#revision = revision;
      this.#failure = null;
    } catch (error) {
      const failure =
        error instanceof BorealisError ? error : new BorealisError('INTERNAL', { cause: error });
      if (failure.message !== this.#failure?.message)
        log.error({ err: error, vpn: service.name }, 'a VPN service is not as it should be');
      this.#failure = failure;
    }
    if (before !== `${this.#revision} ${this.#failure?.message}`) told();
  }

  /** The network goes; what was kept stays. */
  close(): Promise<void> {
    return this.#turns.add(async () => {
      // An address that cannot be got rid of, which the kernel ends, is no reason to go on serving.
      await this.ha
        ?.close()
        .catch((error: unknown) =>
          this.#parts.log.error({ err: error }, 'a floating address could not be given up in order'),
        );
      await this.#network.remove();
    });
  }
}
