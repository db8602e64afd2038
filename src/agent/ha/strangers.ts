/**
 * Somebody who is neither of the two and answers for the floating address: looked for before it is taken, and now and then
 * while it is had (RFC 5227 §2.1, §2.4; RFC 4862 §5.4).
 */
import type { FloatingAddress } from '../../ha/platform.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';

/** Before the first time, nobody may answer for the address for so long (RFC 5227 §2.1.1 waits longer, for slow links). */
const FIRST_LOOK_MS = 600;
const PROBE_MS = 200;
/** While a stranger answers for the address, and so long after, it is not asked for. */
const STRANGER_MS = 10_000;
const DEFEND_MS = 10_000;

export interface StrangersParts {
  /** `192.0.2.10/24`, to tell of it. */
  readonly text: string;
  readonly address: Pick<FloatingAddress, 'probe' | 'announce'>;
  readonly isHolder: () => boolean;
  /** Of the other node, as far as it has told. */
  readonly otherHardware: () => string | undefined;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: AgentLog;
}

export class Strangers {
  readonly #parts: StrangersParts;
  #begun = 0;
  #probedAt = Number.NEGATIVE_INFINITY;
  #found: { readonly hardware: string; readonly at: number; readonly isTold: boolean } | undefined;
  /** Of a device that was shut out: until then it may have the address still, by what was promised before. */
  #shutOut: { readonly hardware: string; readonly until: number } | undefined;

  constructor(parts: StrangersParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#begun = this.#parts.clock.monotonic();
  }

  /** It looks who is there; the other node may not have said yet who it is. */
  isSettling(now: number): boolean {
    return now - this.#begun < FIRST_LOOK_MS;
  }

  /** To be called at each tick. `isKept`: somebody is known to have the address, and to be well. */
  look(now: number, isKept: (now: number) => boolean): void {
    const { address, isHolder } = this.#parts;
    if (now - this.#probedAt < (isHolder() ? DEFEND_MS : PROBE_MS)) return;
    // It is in good hands.
    if (!isHolder() && !this.isSettling(now) && isKept(now)) return;
    this.#probedAt = now;
    address.probe();
  }

  answered(hardware: string): void {
    const { text, address, isHolder, otherHardware, clock, log } = this.#parts;
    const now = clock.monotonic();
    if (hardware === otherHardware()) return;
    if (hardware === this.#shutOut?.hardware && now < this.#shutOut.until) return;
    // The first answer may be the other node's, which has not said yet what its hardware address is.
    const isTold = this.#now(now)?.isTold ?? false;
    const tells = !isTold && !this.isSettling(now);
    this.#found = { hardware, at: now, isTold: isTold || tells };
    if (tells) log.error({ address: text, hardware }, 'a stranger has the floating address');
    // It is ours: who believed the stranger hears it again.
    if (isHolder()) address.announce();
  }

  /** The other node is heard no more, and may have the address for so long. */
  shutOut(hardware: string, milliseconds: number): void {
    this.#shutOut = { hardware, until: this.#parts.clock.monotonic() + milliseconds };
  }

  /** Hardware address of the one that answered of late; undefined: nobody did. */
  now(now: number): string | undefined {
    return this.#now(now)?.hardware;
  }

  #now(now: number) {
    const found = this.#found;
    if (!found || now - found.at >= STRANGER_MS) return undefined;
    // The other node, before it had told what its hardware address is.
    return found.hardware === this.#parts.otherHardware() ? undefined : found;
  }
}
