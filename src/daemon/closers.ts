/** What was opened, closed in the opposite order. */
export class Closers {
  readonly #open: { readonly name: string; close(): void | Promise<void> }[] = [];

  add(name: string, close: () => void | Promise<void>): void {
    this.#open.push({ name, close });
  }

  /** Closes everything; `failed` hears of what would not, and the rest is closed all the same. */
  async close(failed: (name: string, error: unknown) => void): Promise<void> {
    for (let next = this.#open.pop(); next; next = this.#open.pop()) {
      try {
        await next.close();
      } catch (error) {
        failed(next.name, error);
      }
    }
  }
}
