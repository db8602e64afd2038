/** Whether UDP reaches the engine: asked again and again, ever more rarely, while a relay is open whose key may ask. */
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';
import type { TransportTimes } from './transport-times.ts';
import { type ProbeParts, udpReaches } from './udp-probe.ts';

const GROWTH = 1.3;

export interface UdpProbesParts extends Pick<ProbeParts, 'endpoint' | 'engineKey'> {
  readonly clock: Clock;
  readonly log: AgentLog;
  readonly times: Pick<TransportTimes, 'probe' | 'probeMax'>;
  /** Whether this is the key of the relay that is there now: of another, an answer says nothing. */
  readonly isCurrent: (probeKey: string) => boolean;
}

export class UdpProbes {
  readonly #parts: UdpProbesParts;
  #asking: Promise<void> | undefined;
  #dueAt = 0;
  #wait = 0;
  /** What the last probe said, until it is acted on. */
  answered = false;

  constructor(parts: UdpProbesParts) {
    this.#parts = parts;
  }

  get isDue(): boolean {
    return this.#parts.clock.monotonic() >= this.#dueAt;
  }

  /** One at a time; `signal` ends it. */
  ask(probeKey: string, signal: AbortSignal): void {
    const { endpoint, engineKey, clock, log, isCurrent } = this.#parts;
    this.#asking ??= udpReaches({ endpoint, engineKey, probeKey, now: () => clock.now() }, signal).then(
      (answered) => {
        this.#asking = undefined;
        if (!isCurrent(probeKey)) return;
        this.answered = answered;
        if (answered) log.debug({}, 'the engine answers by UDP');
        this.later();
      },
    );
  }

  /** The next is not due at once. */
  later(): void {
    const { times, clock } = this.#parts;
    const wait = this.#wait || times.probe;
    this.#dueAt = clock.monotonic() + wait;
    this.#wait = Math.min(times.probeMax, wait * GROWTH);
  }

  /** Another relay: as if none had been asked. */
  begin(): void {
    this.answered = false;
    this.#wait = 0;
  }

  /** Resolves when none is under way any more. */
  async settled(): Promise<void> {
    await this.#asking;
  }
}
