/**
 * What a result keeps of an output stream: its head and its tail, in memory that does not grow with the output.
 * All sizes are bytes. Text is UTF-8; what is not becomes U+FFFD, and no character is cut in two.
 */

export class CappedOutput {
  readonly #headCap: number;
  readonly #tailCap: number;
  #head: Buffer = Buffer.alloc(0);
  #headSize = 0;
  /** A ring: the newest `#tailSize` bytes end before `#tailNext`. */
  #tail: Buffer | undefined;
  #tailNext = 0;
  #tailSize = 0;
  #total = 0;

  constructor(cap: number) {
    this.#headCap = Math.floor(cap / 2);
    this.#tailCap = cap - this.#headCap;
  }

  get total(): number {
    return this.#total;
  }

  write(chunk: Uint8Array): void {
    this.#total += chunk.length;
    const toHead = Math.min(chunk.length, this.#headCap - this.#headSize);
    if (toHead > 0) this.#appendHead(chunk.subarray(0, toHead));
    if (toHead < chunk.length) this.#appendTail(chunk.subarray(toHead));
  }

  /** At most `limit` bytes of it, besides the line that stands for what was left out. */
  text(limit = Number.POSITIVE_INFINITY): { text: string; truncated: boolean } {
    const head = this.#head.subarray(0, this.#headSize);
    const tail = this.#tailBytes();
    if (head.length + tail.length === this.#total && this.#total <= limit)
      return { text: Buffer.concat([head, tail]).toString('utf8'), truncated: false };
    const kept = Buffer.concat([head, tail]);
    const half = Math.min(Math.floor(limit / 2), this.#headCap);
    const first = wholeEnd(kept.subarray(0, Math.min(half, head.length)));
    const last = wholeStart(kept.subarray(Math.max(head.length, kept.length - half)));
    const left = this.#total - first.length - last.length;
    return { text: `${first}\n[${left} bytes left out]\n${last}`, truncated: true };
  }

  #appendHead(bytes: Uint8Array): void {
    const needed = this.#headSize + bytes.length;
    if (needed > this.#head.length) {
      const grown = Buffer.alloc(Math.min(this.#headCap, Math.max(needed, this.#head.length * 2, 4_096)));
      this.#head.copy(grown, 0, 0, this.#headSize);
      this.#head = grown;
    }
    this.#head.set(bytes, this.#headSize);
    this.#headSize = needed;
  }

  #appendTail(bytes: Uint8Array): void {
    this.#tail ??= Buffer.alloc(this.#tailCap);
    const newest = bytes.subarray(Math.max(0, bytes.length - this.#tailCap));
    const untilEnd = Math.min(newest.length, this.#tailCap - this.#tailNext);
    this.#tail.set(newest.subarray(0, untilEnd), this.#tailNext);
    this.#tail.set(newest.subarray(untilEnd), 0);
    this.#tailNext = (this.#tailNext + newest.length) % this.#tailCap;
    this.#tailSize = Math.min(this.#tailCap, this.#tailSize + newest.length);
  }

  #tailBytes(): Buffer {
    if (!this.#tail) return Buffer.alloc(0);
    if (this.#tailSize < this.#tailCap) return this.#tail.subarray(0, this.#tailSize);
    return Buffer.concat([this.#tail.subarray(this.#tailNext), this.#tail.subarray(0, this.#tailNext)]);
  }
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** The text without a character whose end is cut off. */
function wholeEnd(bytes: Buffer): Buffer {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && isContinuation(bytes[start])) start -= 1;
  const lead = bytes[start] ?? 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return bytes.length - start < length ? bytes.subarray(0, start) : bytes;
}

/** The text without a character whose beginning is cut off. */
function wholeStart(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && isContinuation(bytes[start])) start += 1;
  return bytes.subarray(start);
}
