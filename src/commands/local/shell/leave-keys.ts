/**
 * Ctrl-] d among what is typed. Ctrl-] twice is Ctrl-] once for the program; before anything else it is not held back for
 * good either. Terminals that were asked for it send the key as a sequence (CSI 93;5u, CSI 27;5;93~), so that is known too.
 * What is pasted is text: bracketed paste is passed on as it is. `atOnce`: Ctrl-] alone leaves, and Alt-] types it.
 */

const PREFIX = '\u001d';
const PREFIX_BYTE = 0x1d;
/** Alt and the key, together in one chunk: terminals send it so, and nothing else that is whole looks like it. */
const ALT_PREFIX = '\u001b]';
const PASTE_BEGINS = '\u001b[200~';
const PASTE_ENDS = '\u001b[201~';
/** Caps lock and num lock, which are no part of a chord. */
const LOCKS = 64 + 128;
const CONTROL = 4;

export interface Typed {
  /** For the program. */
  readonly bytes: Buffer;
  readonly leave: boolean;
}

export class LeaveKeys {
  /** The prefix as it came, until the next key tells what it was for. */
  #held = '';
  #pasting = false;
  /** The end of what was pasted so far: what ends it may come in two chunks. */
  #pasted = '';
  readonly #atOnce: boolean;

  constructor({ atOnce = false }: { readonly atOnce?: boolean } = {}) {
    this.#atOnce = atOnce;
  }

  push(chunk: Buffer): Typed {
    // One key, as a person types it, that means nothing here.
    if (chunk.length === 1 && chunk[0] !== PREFIX_BYTE && this.#held === '' && !this.#pasting)
      return { bytes: chunk, leave: false };
    const all = chunk.toString('latin1');
    if (this.#atOnce && !this.#pasting && all === ALT_PREFIX)
      return { bytes: Buffer.from(PREFIX, 'latin1'), leave: false };
    const passed: string[] = [];
    for (let at = 0; at < all.length; ) {
      if (this.#pasting) {
        const text = this.#paste(all.slice(at));
        passed.push(text);
        at += text.length;
        continue;
      }
      const key = keyAt(all, at);
      at += key.length;
      if (isPrefix(key)) {
        // A terminal that tells of keys that are let go tells so of this one too.
        if (isRelease(key)) continue;
        if (this.#atOnce) return { bytes: Buffer.from(passed.join(''), 'latin1'), leave: true };
        passed.push(this.#held);
        this.#held = this.#held === '' ? key : '';
        continue;
      }
      if (this.#held !== '' && isLeave(key)) {
        if (isRelease(key)) continue;
        this.#held = '';
        return { bytes: Buffer.from(passed.join(''), 'latin1'), leave: true };
      }
      this.#pasting = key === PASTE_BEGINS;
      // What the terminal says by itself is no key.
      if (this.#held !== '' && !isReport(key)) {
        passed.push(this.#held);
        this.#held = '';
      }
      passed.push(key);
    }
    return { bytes: Buffer.from(passed.join(''), 'latin1'), leave: false };
  }

  /** What of it was pasted. */
  #paste(text: string): string {
    const known = this.#pasted.length;
    const joined = this.#pasted + text;
    const end = joined.indexOf(PASTE_ENDS);
    this.#pasting = end < 0;
    this.#pasted = end < 0 ? joined.slice(1 - PASTE_ENDS.length) : '';
    return end < 0 ? text : joined.slice(known, end + PASTE_ENDS.length);
  }
}

/** One key, or all up to the next that could be one of ours. */
const keyAt = (text: string, at: number): string => {
  SEQUENCE.lastIndex = at;
  return SEQUENCE.exec(text)?.[0] ?? text[at]!;
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals send begins with one
const SEQUENCE = /\u001b\[[0-9:;<=>?]*[ -/]*[@-~]/y;

// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const KITTY = /^\u001b\[(\d+)(?::\d*)*;(\d+)(?::(\d))?(?:;[\d:]*)?u$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const XTERM = /^\u001b\[27;(\d+);(\d+)~$/;

interface Chord {
  readonly code: number;
  /** Without locks. */
  readonly modifiers: number;
  readonly release: boolean;
}

const chordOf = (key: string): Chord | undefined => {
  const kitty = KITTY.exec(key);
  if (kitty) return chord(Number(kitty[1]), Number(kitty[2]), kitty[3] === '3');
  const xterm = XTERM.exec(key);
  return xterm ? chord(Number(xterm[2]), Number(xterm[1]), false) : undefined;
};
const chord = (code: number, modifiers: number, release: boolean): Chord => ({
  code,
  modifiers: Math.max(0, modifiers - 1) & ~LOCKS,
  release,
});

const isPrefix = (key: string): boolean => {
  if (key === PREFIX) return true;
  const pressed = chordOf(key);
  return pressed !== undefined && pressed.code === 93 && pressed.modifiers === CONTROL;
};
const isLeave = (key: string): boolean => {
  if (key === 'd' || key === '\u001b[100u') return true;
  const pressed = chordOf(key);
  return pressed !== undefined && pressed.code === 100 && pressed.modifiers === 0;
};
const isRelease = (key: string): boolean => chordOf(key)?.release ?? false;

/** Focus, cursor position, what terminal it is; and the control key that is let go. */
const isReport = (key: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
  isRelease(key) || /^\u001b\[(?:[IO]|[?>][\d;]*[a-z]|\d+;\d+R)$/.test(key);
