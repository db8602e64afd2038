/**
 * The whole state of a terminal as text that an empty terminal of the same size takes: cells, then what
 * @xterm/addon-serialize leaves out or puts where it does harm (modes after the cursor, which origin mode sends home; the
 * style of the normal screen running into the alternate one): saved cursors, scroll region, tab stops, character sets,
 * encoding of the mouse, shape of the cursor, links, kinds of underlines.
 */
import type { IBuffer, Terminal } from '@xterm/headless';
import { CellWriter } from './screen-cells.ts';
import { type CellStyle, type Charset, coreOf, type ScreenBuffer, type ScreenCore } from './screen-core.ts';
import { styleKey, styleSequence } from './screen-style.ts';

const ESC = '\u001b';
const CSI = `${ESC}[`;

/** What the emulator does not keep, and its owner does. */
export interface ScreenExtras {
  readonly title: string;
  /** Of XTMODKEYS for keys beside the usual ones (`CSI > 4 ; n m`); 0 is none. */
  readonly modifyOtherKeys: number;
}

export function serializeScreen(terminal: Terminal, extras: ScreenExtras): string {
  const core = coreOf(terminal);
  const { normal, alternate, active } = terminal.buffer;
  const style = core._inputHandler._curAttrData;
  const parts = [new CellWriter(core).lines(normal, terminal.cols)];
  const inAlternate = active.type === 'alternate';
  if (inAlternate) parts.push(enterAlternate(core), new CellWriter(core).lines(alternate, terminal.cols));
  const buffer = inAlternate ? core.buffers.alt : core.buffers.normal;
  parts.push(tabStops(terminal, buffer), savedCursor(buffer));
  const { scrollTop, scrollBottom } = buffer;
  if (scrollTop !== 0 || scrollBottom !== terminal.rows - 1)
    parts.push(`${CSI}${scrollTop + 1};${scrollBottom + 1}r`);
  const origin = terminal.modes.originMode;
  if (origin) parts.push(`${CSI}?6h`);
  parts.push(cursor(terminal, active, buffer, core, origin ? scrollTop : 0), styleSequence(style));
  parts.push(modes(terminal), innerModes(core), charsets(core));
  if (extras.modifyOtherKeys) parts.push(`${CSI}>4;${extras.modifyOtherKeys}m`);
  if (extras.title) parts.push(`${ESC}]2;${extras.title}\u0007`);
  return parts.join('');
}

/** Leaves the plain style and the cursor at the first cell of the alternate screen, which is empty. */
function enterAlternate({ buffers: { normal } }: ScreenCore): string {
  const saved = { x: normal.savedX, y: Math.max(0, normal.savedY - normal.ybase) };
  const before = `${styleSequence(normal.savedCurAttrData)}${designate(normal.savedCharset)}`;
  // 1049 saves the cursor, and what ends the alternate screen brings it back. It was entered otherwise (47, 1047) where
  // the saved cursor is not the one that was left behind.
  const entered =
    saved.x === normal.x && saved.y === normal.y
      ? `${move(saved.x, saved.y)}${before}${CSI}?1049h`
      : `${move(saved.x, saved.y)}${before}${ESC}7${move(normal.x, normal.y)}${CSI}?1047h`;
  // The screen that it enters has the background that is in force.
  return `${entered}${CSI}m${CSI}H${CSI}J${normal.savedCharset ? ASCII : ''}`;
}

const move = (x: number, y: number): string => `${CSI}${y + 1};${x + 1}H`;

const PLAIN: CellStyle = { fg: 0, bg: 0, extended: { ext: 0, urlId: 0 } };

function savedCursor({ savedX, savedY, savedCurAttrData, savedCharset, ybase }: ScreenBuffer): string {
  const y = Math.max(0, savedY - ybase);
  if (savedX === 0 && y === 0 && !savedCharset && styleKey(savedCurAttrData) === styleKey(PLAIN)) return '';
  const charset = savedCharset ? designate(savedCharset) : '';
  return `${move(savedX, y)}${styleSequence(savedCurAttrData)}${charset}${ESC}7${CSI}m${charset && ASCII}`;
}

/** `top`: the row from which rows are counted. */
function cursor(
  terminal: Terminal,
  shown: IBuffer,
  buffer: ScreenBuffer,
  core: ScreenCore,
  top: number,
): string {
  const { x, y, ybase } = buffer;
  if (x < terminal.cols) return move(x, y - top);
  // Behind the last column there is no place to move to: only a character that is written there leads to it.
  const line = shown.getLine(ybase + y);
  const last = line ? new CellWriter(core).lastCell(line, terminal.cols) : null;
  return last ? `${move(last.column, y - top)}${last.text}` : move(terminal.cols - 1, y - top);
}

function tabStops({ cols }: Terminal, { tabs }: ScreenBuffer): string {
  const set = Array.from({ length: cols }, (_, column) => column).filter((column) => tabs[column]);
  const usual = Array.from({ length: Math.ceil(cols / 8) }, (_, index) => index * 8);
  if (set.length === usual.length && set.every((column, index) => column === usual[index])) return '';
  return `${CSI}3g${set.map((column) => `${CSI}${column + 1}G${ESC}H`).join('')}`;
}

const MOUSE = { none: 0, x10: 9, vt200: 1000, drag: 1002, any: 1003 } as const;

function modes({ modes: is }: Terminal): string {
  const on = [
    is.applicationCursorKeysMode && 1,
    is.reverseWraparoundMode && 45,
    MOUSE[is.mouseTrackingMode],
    is.sendFocusMode && 1004,
    is.bracketedPasteMode && 2004,
  ].filter((mode) => mode);
  return [
    ...on.map((mode) => `${CSI}?${mode}h`),
    is.applicationKeypadMode ? `${ESC}=` : '',
    is.insertMode ? `${CSI}4h` : '',
    is.wraparoundMode ? '' : `${CSI}?7l`,
  ].join('');
}

const ENCODINGS: Readonly<Record<string, number>> = { SGR: 1006, SGR_PIXELS: 1016 };
/** DECSCUSR: the blinking shape; the steady one is the number after it. */
const SHAPES = { block: 1, underline: 3, bar: 5 } as const;

function innerModes({ coreService, coreMouseService }: ScreenCore): string {
  const encoding = ENCODINGS[coreMouseService.activeEncoding];
  const { cursorStyle, cursorBlink } = coreService.decPrivateModes;
  return [
    encoding ? `${CSI}?${encoding}h` : '',
    cursorStyle ? `${CSI}${SHAPES[cursorStyle] + (cursorBlink ? 0 : 1)} q` : '',
    coreService.isCursorHidden ? `${CSI}?25l` : '',
  ].join('');
}

const DESIGNATE = ['(', ')', '*', '+'] as const;
const INVOKE = ['', '\u000e', `${ESC}n`, `${ESC}o`] as const;

function charsets({ _charsetService: { charset, glevel, _charsets } }: ScreenCore): string {
  const designated = DESIGNATE.map((slot, level) => {
    // What is in force counts for its slot: a restored cursor brings its own.
    const name = nameOf(level === glevel ? charset : _charsets[level]);
    return name === 'B' ? '' : `${ESC}${slot}${name}`;
  });
  return `${designated.join('')}${INVOKE[glevel] ?? ''}`;
}

/** To the slot that is in force unless a program says otherwise. */
const designate = (charset: Charset): string => (charset ? `${ESC}(${nameOf(charset)}` : '');
const ASCII = `${ESC}(B`;

/** Of the sets that terminals still have: DEC's line drawing, the British one, ASCII. */
function nameOf(charset: Charset): '0' | 'A' | 'B' {
  if (charset?.q === '─') return '0';
  return charset?.['#'] === '£' ? 'A' : 'B';
}
