/** What a terminal sends, as another terminal within it would: for the emulator that a shell is drawn from. */

/** What the inner terminal was asked for by its program. */
export interface Modes {
  readonly applicationCursorKeysMode: boolean;
  readonly bracketedPasteMode: boolean;
}

export interface Press {
  readonly action: 'press' | 'up' | 'down';
  readonly x: number;
  readonly y: number;
}

export interface Taken {
  /** For the program. */
  readonly bytes: Buffer;
  readonly mouse: readonly Press[];
  /** Ctrl-] was among it; what came after is not in `bytes`. */
  readonly leave: boolean;
}

/** Alt-], alone in what came at once: Ctrl-] for the program. */
const ALT_LEAVE = '\u001b]';
// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals send begins with one
const SPECIAL = /\u001b\[(?:<(\d+);(\d+);(\d+)([Mm])|(20[01])~|([ABCDHF]))|\u001d/g;

export class ShellInput {
  #pasting = false;

  take(chunk: Uint8Array, modes: Modes): Taken {
    const text = Buffer.from(chunk).toString('latin1');
    if (text === ALT_LEAVE && !this.#pasting)
      return { bytes: Buffer.from('\u001d'), mouse: [], leave: false };
    const passed: string[] = [];
    const mouse: Press[] = [];
    let at = 0;
    for (const match of text.matchAll(SPECIAL)) {
      passed.push(text.slice(at, match.index));
      at = match.index + match[0].length;
      const [whole, button, x, y, end, paste, arrow] = match;
      if (paste !== undefined) {
        this.#pasting = paste === '200';
        if (modes.bracketedPasteMode) passed.push(whole);
      } else if (this.#pasting) passed.push(whole);
      else if (arrow !== undefined) passed.push(modes.applicationCursorKeysMode ? `\u001bO${arrow}` : whole);
      else if (button === undefined)
        return { bytes: Buffer.from(passed.join(''), 'latin1'), mouse, leave: true };
      else if (button === '64' || button === '65' || (button === '0' && end === 'M'))
        mouse.push({
          action: button === '64' ? 'up' : button === '65' ? 'down' : 'press',
          x: Number(x) - 1,
          y: Number(y) - 1,
        });
    }
    passed.push(text.slice(at));
    return { bytes: Buffer.from(passed.join(''), 'latin1'), mouse, leave: false };
  }
}
