/** The last bytes of a shell's output. Offsets count from the shell's first byte and only grow. */
export class OutputRing {
  readonly capacity: number;
  readonly #bytes: Buffer;
  #end = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    // Not from Buffer's pool: pages that are never written to take no memory.
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Of the oldest byte that is kept. */
  get start(): number {
    return Math.max(0, this.#end - this.capacity);
  }

  /** Of the byte that comes next. */
  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    const next = this.#end % this.capacity;
    if (next + bytes.length <= this.capacity) {
      this.#bytes.set(bytes, next);
      this.#end += bytes.length;
      return;
    }
    const kept = bytes.subarray(Math.max(0, bytes.length - this.capacity));
    this.#end += bytes.length - kept.length;
    const at = this.#end % this.capacity;
    const untilEdge = Math.min(kept.length, this.capacity - at);
    this.#bytes.set(kept.subarray(0, untilEdge), at);
    this.#bytes.set(kept.subarray(untilEdge), 0);
    this.#end += kept.length;
  }

  /** A view of up to `max` bytes from `offset` on, good until the next append; fewer where the ring's edge is between. */
  read(offset: number, max: number): Buffer {
    if (offset < this.start || offset > this.#end) throw new RangeError(`${offset} is not in the ring`);
    const at = offset % this.capacity;
    const length = Math.min(max, this.#end - offset, this.capacity - at);
    return this.#bytes.subarray(at, at + length);
  }
}
