/**
 * How often the engine's WireGuard may have been another one, which knows nothing of the session. Ours would ask for a new
 * one only after minutes; so while one may be new and is silent, a session is begun anew.
 */
export class EngineChanges {
  #changes = 0;
  /** When WireGuard was last looked at. */
  #seen = 0;
  /** Since when the engine was heard, or a session begun. */
  #over = 0;

  /** An engine was started again, or has lost its interface; or it may have. */
  mayBeNew(): void {
    this.#changes += 1;
  }

  get pending(): boolean {
    return this.#changes > this.#over;
  }

  /** As it is right before WireGuard is looked at; for `looked`. */
  get count(): number {
    return this.#changes;
  }

  /** What has come since the look before may still be of the WireGuard that was: only what comes after a look counts. */
  looked(before: number, heard: boolean): void {
    if (heard) this.#over = Math.max(this.#over, this.#seen);
    this.#seen = before;
  }

  /** A session is begun anew: with whatever engine is there. */
  begunAnew(): void {
    this.#over = this.#changes;
  }
}
