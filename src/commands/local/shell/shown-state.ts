/**
 * What a program did to the terminal that it writes to, read along as its output passes: enough to undo it when the
 * program is left, and to know where something of our own may be put between without tearing a sequence apart.
 */

const ESC = 0x1b;
const CSI = '\u001b[';
/** Sequences longer than this are read past, not kept. */
const KEPT = 256;
/** Private modes of DEC and xterm that a program may switch on, and that must not stay: not those that terminals begin with. */
const UNDONE = new Set([
  1, 5, 9, 12, 45, 66, 67, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2004, 2026, 2027, 2031, 2048,
]);
const ALTERNATE = [47, 1047, 1049] as const;

type Where = 'ground' | 'escape' | 'csi' | 'string' | 'string-escape';

export class ShownState {
  #where: Where = 'ground';
  #kept = '';
  /** Bytes of a UTF-8 character that are still to come. */
  #pending = 0;
  #modes = new Set<number>();
  #otherKeys = false;
  /** How often flags of the kitty keyboard protocol were pushed. */
  #keyboards = 0;
  #cursorShaped = false;
  /** OSC 4, 10, 11, 12: colours of the terminal itself. */
  #colours = new Set<number>();
  #linked = false;
  #title: string | undefined;

  /** The title that the program gave, if it gave any. */
  get title(): string | undefined {
    return this.#title;
  }

  /** Nothing is half written. */
  get settled(): boolean {
    return this.#where === 'ground' && this.#pending === 0;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#where === 'ground') {
        const next = bytes.indexOf(ESC, at);
        this.#text(bytes.subarray(at, next < 0 ? bytes.length : next));
        if (next < 0) return;
        this.#enter('escape');
        at = next + 1;
      } else this.#step(bytes[at++]!);
    }
  }

  /** Only the end counts: whether a character is not whole yet. */
  #text(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const tail = bytes.subarray(-4);
    if (tail.length < 4) for (const byte of tail) this.#letter(byte);
    else {
      this.#pending = 0;
      for (const byte of tail) this.#letter(byte);
    }
  }

  #letter(byte: number): void {
    if (byte >= 0x80 && byte < 0xc0) this.#pending = Math.max(0, this.#pending - 1);
    else this.#pending = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
  }

  #enter(where: Where): void {
    this.#where = where;
    this.#pending = 0;
    if (where !== 'string-escape') this.#kept = '';
  }

  #step(byte: number): void {
    // CAN and SUB end whatever it is; ESC begins anew.
    if (byte === 0x18 || byte === 0x1a) return void this.#enter('ground');
    if (byte === ESC) return void this.#enter(this.#where === 'string' ? 'string-escape' : 'escape');
    switch (this.#where) {
      case 'escape':
        return void this.#escape(byte);
      case 'csi':
        if (byte >= 0x40 && byte <= 0x7e) {
          this.#control(this.#kept, String.fromCharCode(byte));
          return void this.#enter('ground');
        }
        return void this.#keep(byte);
      case 'string':
        if (byte !== 0x07) return void this.#keep(byte);
        this.#command(this.#kept);
        return void this.#enter('ground');
      case 'string-escape':
        if (byte === 0x5c) this.#command(this.#kept);
        this.#enter('escape');
        return void (byte === 0x5c ? this.#enter('ground') : this.#escape(byte));
      default:
    }
  }

  #keep(byte: number): void {
    if (this.#kept.length < KEPT) this.#kept += String.fromCharCode(byte);
  }

  #escape(byte: number): void {
    const letter = String.fromCharCode(byte);
    if (letter === '[') return void this.#enter('csi');
    if (']P_^X'.includes(letter)) {
      this.#enter('string');
      return void this.#keep(byte);
    }
    // Intermediates: the letter that names the sequence follows.
    if (byte >= 0x20 && byte <= 0x2f) return;
    if (letter === 'c') this.#forget();
    this.#enter('ground');
  }

  #control(parameters: string, final: string): void {
    const numbers = parameters
      .replace(/^[<=>?]/, '')
      .split(/[;:]/)
      .map(Number);
    const [first = 0, second = 0] = numbers;
    switch (parameters.replace(/[\d;:]/g, '') + final) {
      case '?h':
        for (const mode of numbers) this.#modes.add(mode);
        break;
      case '?l':
        for (const mode of numbers) this.#modes.delete(mode);
        break;
      case '>m':
        if (first === 4 || parameters === '>') this.#otherKeys = second > 0;
        break;
      case '>u':
        this.#keyboards += 1;
        break;
      case '<u':
        this.#keyboards = Math.max(0, this.#keyboards - Math.max(1, first));
        break;
      case '=u':
        this.#keyboards = Math.max(1, this.#keyboards);
        break;
      case ' q':
        this.#cursorShaped = first > 0;
        break;
      default:
    }
  }

  #command(text: string): void {
    const [, number, rest] = /^\](\d+);?(.*)$/s.exec(text) ?? [];
    if (number === undefined) return;
    const code = Number(number);
    if (code === 0 || code === 2) this.#title = Buffer.from(rest ?? '', 'latin1').toString('utf8');
    else if (code === 8) this.#linked = true;
    else if (code === 4 || (code >= 10 && code <= 12)) {
      if (rest !== undefined && !rest.endsWith('?')) this.#colours.add(code);
    }
  }

  #forget(): void {
    this.#modes = new Set();
    this.#otherKeys = false;
    this.#keyboards = 0;
    this.#cursorShaped = false;
    this.#colours = new Set();
    this.#linked = false;
  }

  /** What to write so that the terminal is as before, but for what is to be read on it. Counts as written. */
  undo(): string {
    const parts: string[] = [];
    // CAN: the rest of what was begun does not come any more.
    if (!this.settled) parts.push('\u0018');
    for (const mode of UNDONE) if (this.#modes.has(mode)) parts.push(`${CSI}?${mode}l`);
    if (this.#keyboards > 0) parts.push(`${CSI}=0u${CSI}<${this.#keyboards}u`);
    if (this.#otherKeys) parts.push(`${CSI}>4m`);
    for (const mode of ALTERNATE) if (this.#modes.has(mode)) parts.push(`${CSI}?${mode}l`);
    if (this.#linked) parts.push('\u001b]8;;\u001b\\');
    for (const code of this.#colours) parts.push(`\u001b]${code + 100}\u001b\\`);
    if (this.#cursorShaped) parts.push(`${CSI}0 q`);
    // DECSTR for margins, insert and origin mode; then the plain style, ASCII, the usual keypad, wrapping, the cursor.
    parts.push(`${CSI}!p${CSI}m\u001b(B\u000f\u001b>${CSI}?7h${CSI}?25h`);
    this.#forget();
    this.#where = 'ground';
    this.#pending = 0;
    return parts.join('');
  }
}
