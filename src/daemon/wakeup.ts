/** One sleeper and those who wake it: a watcher of a stream that waits for the next thing to tell. */
export class Wakeup {
  #wake: (() => void) | undefined;

  /** Of no effect where nobody sleeps. */
  wake(): void {
    this.#wake?.();
  }

  /** Resolves at the next `wake`, or when the signal aborts. */
  async sleep(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
