/**
 * From the last picture to the next in as few bytes as may be: only cells that differ are written. Nothing is ever
 * cleared as a whole, so nothing flickers. Sequences: ECMA-48 CUP, CHA, SGR; DEC private modes 25 (cursor) and 2026
 * (synchronised update, ignored where it is unknown).
 */
import type { Grid } from '../grid/grid.ts';
import { PLAIN, type Style } from '../grid/style.ts';
import { type Depth, sgr, type Theme } from './colours.ts';

/** Fewer unchanged cells than a cursor movement takes bytes are written again. */
const BRIDGE = 5;
/** A frame of more bytes may be torn by a slow line; terminals that can wait for its end. */
const SYNCHRONISE_FROM = 256;
/** Of these every terminal knows the width: ASCII, Latin, lines and blocks, the scripts of East Asia. */
const EXACT =
  /^[\x20-\x7e\u00c0-\u024f\u2026\u2500-\u259f\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff\uac00-\ud7a3]$/;
const HIDDEN = '\u001b[?25l';

export class Painter {
  readonly #theme: Theme;
  readonly #depth: Depth;
  readonly #codes = new Map<Style, string>();
  #shown: { width: number; height: number; chars: string[]; styles: Uint32Array } | undefined;
  #cursor = '';

  constructor(theme: Theme, depth: Depth) {
    this.#theme = theme;
    this.#depth = depth;
  }

  /** What the terminal shows is no longer known: the next picture is written whole. */
  forget(): void {
    this.#shown = undefined;
    this.#cursor = '';
  }

  /** The bytes that turn what is shown into `next`; empty where nothing differs. */
  paint(next: Grid): string {
    const out: string[] = [];
    let style: Style | undefined;
    for (let y = 0; y < next.height; y++) {
      let first = true;
      for (const [from, to] of this.#runs(next, y)) {
        out.push(first ? `\u001b[${y + 1};${from + 1}H` : `\u001b[${from + 1}G`);
        first = false;
        style = this.#run(next, y * next.width, from, to, style, out);
      }
    }
    const { cursor } = next;
    const wanted = cursor ? `\u001b[${cursor.y + 1};${cursor.x + 1}H\u001b[?25h` : HIDDEN;
    if (out.length === 0 && wanted === this.#cursor) return '';
    if (style !== undefined) out.push('\u001b[0m');
    // A visible cursor would run over the screen with what is written.
    if (out.length > 0 && this.#cursor !== HIDDEN && this.#cursor !== '') out.unshift(HIDDEN);
    if (wanted !== HIDDEN || this.#cursor !== HIDDEN) out.push(wanted);
    this.#cursor = wanted;
    const { width, height, chars, styles } = next;
    this.#shown = { width, height, chars: chars.slice(), styles: styles.slice() };
    const body = out.join('');
    return body.length > SYNCHRONISE_FROM ? `\u001b[?2026h${body}\u001b[?2026l` : body;
  }

  /** Columns `[from, to)` of a line that must be written: whole characters, near ones as one. */
  *#runs({ width, height, chars, styles }: Grid, y: number): Generator<[number, number]> {
    const before = this.#shown;
    if (before?.width !== width || before.height !== height) {
      yield [0, width];
      return;
    }
    const row = y * width;
    let run: [number, number] | undefined;
    for (let x = 0; x < width; x++) {
      const at = row + x;
      if (before.chars[at] === chars[at] && before.styles[at] === styles[at]) continue;
      let from = x;
      while (from > 0 && (chars[row + from] === '' || before.chars[row + from] === '')) from--;
      let to = x + 1;
      while (to < width && (chars[row + to] === '' || before.chars[row + to] === '')) to++;
      if (run && from - run[1] <= BRIDGE) run[1] = Math.max(run[1], to);
      else {
        if (run) yield run;
        run = [from, to];
      }
    }
    if (run) yield run;
  }

  /** Returns the style that the terminal has then. */
  #run(
    { chars, styles }: Grid,
    row: number,
    from: number,
    to: number,
    before: Style | undefined,
    out: string[],
  ): Style | undefined {
    let style = before;
    let exact = true;
    for (let x = from; x < to; x++) {
      const char = chars[row + x] ?? ' ';
      if (char === '') continue;
      const wanted = styles[row + x] ?? PLAIN;
      if (wanted !== style) {
        out.push(this.#code(wanted));
        style = wanted;
      }
      // Terminals differ in how wide they take emoji to be; what follows stands in its column whatever they take.
      if (!exact) out.push(`\u001b[${x + 1}G`);
      exact = EXACT.test(char);
      // One that takes it to be narrow would leave there what stood in the second half.
      if (!exact && chars[row + x + 1] === '') out.push(`  \u001b[${x + 1}G`);
      out.push(char);
    }
    return style;
  }

  #code(style: Style): string {
    let code = this.#codes.get(style);
    if (code === undefined) {
      code = sgr(style, this.#theme, this.#depth);
      this.#codes.set(style, code);
    }
    return code;
  }
}
