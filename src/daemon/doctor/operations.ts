/** `doctor.check`, and the round of it each ten minutes that feeds the warnings of `status`. */
import type { Check } from '../../protocol/engine.ts';
import type { Handlers } from '../capability.ts';
import { type DoctorDependencies, engineChecks, vpnCheck } from './checks.ts';

const ROUND_MS = 600_000;

export class Doctor {
  readonly #deps: DoctorDependencies;
  #findings: readonly Check[] = [];
  #timer: NodeJS.Timeout | undefined;
  #first: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(deps: DoctorDependencies) {
    this.#deps = deps;
  }

  /** The last round's findings; VPN services as they are now. */
  get findings(): readonly Check[] {
    // Services fail and recover between two rounds.
    return [...this.#findings.filter(({ id }) => !id.startsWith('vpn:')), ...this.#deps.vpn().map(vpnCheck)];
  }

  async check(): Promise<Check[]> {
    const checks = await engineChecks(this.#deps);
    this.#findings = checks;
    return checks;
  }

  /** `failed` hears of a round that could not be finished; the next one comes all the same. */
  start(failed: (error: unknown) => void): void {
    // A round that the end of the engine interrupts is nobody's concern.
    const round = () => void this.check().catch((error) => this.#closed || failed(error));
    this.#first = setImmediate(round);
    this.#timer = setInterval(round, ROUND_MS).unref();
  }

  close(): void {
    this.#closed = true;
    clearImmediate(this.#first);
    clearInterval(this.#timer);
  }
}

export const doctorOperations = (doctor: Doctor): Handlers<'doctor.check'> => ({
  'doctor.check': () => doctor.check(),
});
