/**
 * A floating address that a cloud has to move as well: the address with its lifetime on the interface stays the fence,
 * and an executable tells the cloud. It runs beside the votes, which never wait for it.
 */
import type { FloatingAddress } from '../../ha/platform.ts';
import type { ProcessGroup } from '../../sys/process-group.ts';
import type { AgentLog } from '../log.ts';
import { type HookAction, type HookCall, runHook } from './hook-run.ts';

export interface HookedOptions {
  readonly inner: FloatingAddress;
  readonly call: Omit<HookCall, 'action' | 'interfaceName'>;
  readonly log: AgentLog;
}

export class HookedAddress implements FloatingAddress {
  readonly #options: HookedOptions;
  /** What was asked last; what is before it in the queue is not wanted any more. */
  #wanted: HookAction = 'detach';
  #running: ProcessGroup | undefined;
  #turn: Promise<void> = Promise.resolve();
  #moved: Promise<void> = Promise.resolve();

  constructor(options: HookedOptions) {
    this.#options = options;
  }

  get interfaceName(): string {
    return this.#options.inner.interfaceName;
  }

  get ownAddress(): string {
    return this.#options.inner.ownAddress;
  }

  get ownHardwareAddress(): string {
    return this.#options.inner.ownHardwareAddress;
  }

  hold(milliseconds: number): void {
    this.#options.inner.hold(milliseconds);
    if (this.#wanted === 'attach') return;
    this.#moved = this.#want('attach');
    this.#moved.catch(() => undefined); // whoever waits for it hears of it
  }

  moved(): Promise<void> {
    return this.#moved;
  }

  drop(): void {
    this.#options.inner.drop();
    if (this.#wanted === 'detach') return;
    const { log, call } = this.#options;
    this.#want('detach').catch((error: unknown) =>
      // The other node's hook attaches it all the same.
      log.warn({ err: error, address: call.address }, 'the hook did not detach the floating address'),
    );
  }

  isHere(): boolean {
    return this.#options.inner.isHere();
  }

  announce(): void {
    this.#options.inner.announce();
  }

  probe(): void {
    this.#options.inner.probe();
  }

  onAnswer(listener: (hardwareAddress: string) => void): void {
    this.#options.inner.onAnswer(listener);
  }

  /** When the hook has detached it. */
  async close(): Promise<void> {
    this.drop();
    await this.#turn;
    await this.#options.inner.close();
  }

  /**
   * One after the other, and only what is still wanted. An attach that comes to its end after the lease has gone would take
   * the address from the other node, so it is ended first.
   */
  #want(action: HookAction): Promise<void> {
    this.#wanted = action;
    this.#running?.kill();
    const turn = this.#turn.then(() => this.#run(action));
    this.#turn = turn.catch(() => undefined); // whose turn it was hears of it
    return turn;
  }

  async #run(action: HookAction): Promise<void> {
    if (this.#wanted !== action) return;
    const { call } = this.#options;
    try {
      await runHook({ ...call, action, interfaceName: this.interfaceName }, (group) => {
        this.#running = group;
        if (this.#wanted !== action) group.kill();
      });
    } catch (error) {
      // Ended on purpose.
      if (this.#wanted === action) throw error;
    } finally {
      this.#running = undefined;
    }
  }
}
