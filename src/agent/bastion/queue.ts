/** One after the other. Rejects as the work does; who comes after begins anew. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  add(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined); // whose turn it was hears of it
    return turn;
  }
}
