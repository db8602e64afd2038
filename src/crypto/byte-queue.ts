/** Bytes in as they arrive, bytes out in the sizes that are wanted; each byte is copied once. */
export class ByteQueue {
  readonly #parts: Buffer[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#size += bytes.length;
  }

  /** The next `count` bytes; RangeError when there are fewer. */
  take(count: number): Buffer {
    if (count > this.#size) throw new RangeError(`${count} bytes wanted, ${this.#size} queued`);
    const taken = Buffer.alloc(count);
    let filled = 0;
    while (filled < count) {
      const part = this.#parts[0]!;
      const copied = part.copy(taken, filled);
      filled += copied;
      if (copied === part.length) this.#parts.shift();
      else this.#parts[0] = part.subarray(copied);
    }
    this.#size -= count;
    return taken;
  }
}
