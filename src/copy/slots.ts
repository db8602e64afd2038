/** So many pieces of work at once. */

export class Slots {
  readonly #most: number;
  #taken = 0;
  #failure: { readonly error: unknown } | undefined;
  #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves when the work has begun. Rejects with what earlier work failed with; then nothing more is begun. */
  async run(work: () => Promise<void>): Promise<void> {
    while (this.#taken >= this.#most && !this.#failure) await this.#change();
    this.#throw();
    this.#taken += 1;
    void work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#taken -= 1;
        this.#wake();
      });
  }

  /** Resolves when nothing is being done. Rejects as `run`. */
  async idle(): Promise<void> {
    while (this.#taken > 0) await this.#change();
    this.#throw();
  }

  #throw(): void {
    if (this.#failure) throw this.#failure.error;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
