/**
 * What a terminal showed, line by line, out of what was written to it: escape sequences taken away, a line as it stood
 * when the cursor left it. So a typing mistake that was rubbed out is not found, nor a word only where colours cut it.
 * It follows the cursor within a line alone; programs that use the whole screen give a line for each place they write to.
 * Bounded: a line keeps LINE_MAX characters, an escape sequence ESCAPE_MAX.
 */

const LINE_MAX = 4_096;
const ESCAPE_MAX = 256;
const TAB = 8;

export class ShownText {
  #line: string[] = [];
  #column = 0;
  /** An escape sequence that is not whole yet. */
  #escape = '';

  /** The lines that are finished by `text`. */
  *push(text: string): Generator<string> {
    for (let at = 0; at < text.length; ) {
      if (this.#escape !== '') {
        at = this.#escaped(text, at);
        if (this.#left) yield* this.#take();
        continue;
      }
      const code = text.codePointAt(at)!;
      const character = String.fromCodePoint(code);
      at += character.length;
      if (code === 0x1b || code === 0x9b) this.#escape = code === 0x9b ? '\x1b[' : '\x1b';
      else if (code < 0x20 || code === 0x7f) {
        this.#control(code);
        if (this.#left) yield* this.#take();
      } else if (code >= 0xa0 || code < 0x7f) this.#put(character);
    }
  }

  /** The line on which the cursor stands. */
  *end(): Generator<string> {
    this.#escape = '';
    yield* this.#take();
  }

  /** The cursor left the line. */
  #left = false;

  *#take(): Generator<string> {
    this.#left = false;
    const line = Array.from(this.#line, (character) => character ?? ' ')
      .join('')
      .trimEnd();
    this.#line = [];
    if (line !== '') yield line;
  }

  #put(character: string): void {
    if (this.#column >= LINE_MAX) return;
    while (this.#line.length < this.#column) this.#line.push(' ');
    this.#line[this.#column++] = character;
  }

  #control(code: number): void {
    if (code === 0x08) this.#column = Math.max(0, this.#column - 1);
    else if (code === 0x09) this.#column = Math.min(LINE_MAX, (Math.floor(this.#column / TAB) + 1) * TAB);
    else if (code === 0x0d) this.#column = 0;
    else if (code >= 0x0a && code <= 0x0c) this.#left = true;
  }

  /** Takes what belongs to the sequence; returns where the rest begins. */
  #escaped(text: string, from: number): number {
    for (let at = from; at < text.length; at++) {
      const character = text[at]!;
      // ECMA-48: cancelled, or another begins.
      if (character === '\x18' || character === '\x1a') {
        this.#escape = '';
        return at + 1;
      }
      if (character === '\x1b' && !isString(this.#escape)) {
        this.#escape = '';
        return at;
      }
      this.#escape += character;
      if (isWhole(this.#escape)) {
        this.#obey(this.#escape);
        this.#escape = '';
        return at + 1;
      }
      // Of an endless one only its beginning counts.
      if (this.#escape.length > ESCAPE_MAX) {
        if (!isString(this.#escape)) {
          this.#escape = '';
          return at + 1;
        }
        this.#escape = this.#escape.slice(0, 2) + this.#escape.slice(-1);
      }
    }
    return text.length;
  }

  #obey(sequence: string): void {
    if (sequence === '\x1bc' || sequence === '\x1bD' || sequence === '\x1bE' || sequence === '\x1bM') {
      this.#left = true;
      if (sequence === '\x1bE' || sequence === '\x1bc') this.#column = 0;
      return;
    }
    if (!sequence.startsWith('\x1b[')) return;
    const final = sequence.at(-1)!;
    const [first = 0] = sequence.slice(2, -1).split(';', 1).map(Number);
    const count = Math.max(1, Math.min(LINE_MAX, first || 0));
    switch (final) {
      case 'C':
        this.#column = Math.min(LINE_MAX, this.#column + count);
        break;
      case 'D':
        this.#column = Math.max(0, this.#column - count);
        break;
      case 'G':
      case '`':
        this.#column = count - 1;
        break;
      case 'K':
        this.#erase(first || 0);
        break;
      case 'P':
        this.#line.splice(this.#column, count);
        break;
      case '@':
        if (this.#line.length > this.#column)
          this.#line.splice(this.#column, 0, ...Array<string>(count).fill(' '));
        this.#line.length = Math.min(this.#line.length, LINE_MAX);
        break;
      case 'X':
        for (let at = this.#column; at < Math.min(this.#line.length, this.#column + count); at++)
          this.#line[at] = ' ';
        break;
      case 'H':
      case 'f':
        this.#left = true;
        this.#column =
          Math.max(1, Math.min(LINE_MAX, Number(sequence.slice(2, -1).split(';')[1] ?? 1) || 1)) - 1;
        break;
      case 'A':
      case 'B':
      case 'd':
      case 'J':
      case 'L':
      case 'M':
      case 'S':
      case 'T':
        this.#left = true;
        break;
      case 'E':
      case 'F':
        this.#left = true;
        this.#column = 0;
        break;
      case 'h':
      case 'l':
        // To the other screen and back.
        if (OTHER_SCREEN.has(sequence.slice(2, -1))) this.#left = true;
        break;
    }
  }

  #erase(what: number): void {
    if (what === 0) this.#line.length = Math.min(this.#line.length, this.#column);
    else if (what === 1) this.#line.fill(' ', 0, this.#column + 1);
    else this.#line = [];
  }
}

const OTHER_SCREEN = new Set(['?1049', '?1047', '?47']);

/** OSC, DCS, SOS, PM, APC: a text that ends with ST, or BEL as xterm has it. */
const isString = (sequence: string): boolean => sequence.length > 1 && ']PX^_'.includes(sequence[1]!);

const isWhole = (sequence: string): boolean => {
  if (sequence.length < 2) return false;
  if (isString(sequence))
    return sequence.endsWith('\x07') || sequence.endsWith('\x1b\\') || sequence.endsWith('\x9c');
  const last = sequence.charCodeAt(sequence.length - 1);
  if (sequence[1] === '[') return sequence.length > 2 && last >= 0x40 && last <= 0x7e;
  // Intermediate bytes, then a final one.
  return last >= 0x30 && last <= 0x7e;
};
