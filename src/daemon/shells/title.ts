/** The title that a program gives its terminal: OSC 0 or 2 (xterm, ctlseqs), out of its output as it passes. */

const BEGIN = Buffer.from('\x1b]');
const TITLE_MAX = 256;
/** Bytes after which a sequence that does not end is none. */
const SEQUENCE_MAX = 1_024;
const MUCH_BYTES = 256;
const MANY = 64;

export class Title {
  #text: string | null = null;
  #rest: Buffer = Buffer.alloc(0);
  readonly #unread: Buffer[] = [];

  get text(): string | null {
    this.#catchUp();
    return this.#text;
  }

  /** Looked at when somebody asks, or when it has become much: an echo waits for none of it. */
  push(bytes: Buffer): void {
    this.#unread.push(bytes);
    if (bytes.length >= MUCH_BYTES || this.#unread.length >= MANY) this.#catchUp();
  }

  #catchUp(): void {
    for (const bytes of this.#unread) this.#read(bytes);
    this.#unread.length = 0;
  }

  #read(bytes: Buffer): void {
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    this.#rest = Buffer.alloc(0);
    for (let at = all.indexOf(BEGIN); at >= 0; at = all.indexOf(BEGIN, at + BEGIN.length)) {
      const end = endOf(all, at + BEGIN.length);
      if (end >= 0) this.#heard(all.toString('utf8', at + BEGIN.length, end));
      else if (all.length - at < SEQUENCE_MAX) {
        this.#rest = Buffer.from(all.subarray(at));
        return;
      }
    }
    if (all.at(-1) === 0x1b) this.#rest = Buffer.of(0x1b);
  }

  #heard(sequence: string): void {
    const title = /^[02];(.*)$/s.exec(sequence)?.[1];
    if (title === undefined) return;
    // Others see it in lists; nothing in it may move their cursor.
    const plain = Array.from(title.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')).slice(0, TITLE_MAX);
    this.#text = plain.join('').trim() || null;
  }
}

/** Where BEL or ST begins, within what a sequence may have; -1 where neither is there yet. */
const endOf = (bytes: Buffer, from: number): number => {
  const most = Math.min(bytes.length, from + SEQUENCE_MAX);
  for (let at = from; at < most; at++) {
    if (bytes[at] === 0x07) return at;
    if (bytes[at] === 0x1b && bytes[at + 1] === 0x5c) return at;
  }
  return -1;
};
