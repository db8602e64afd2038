/**
 * The part of @xterm/headless 6.0 that is not public and without which a screen cannot be told whole: where saved
 * cursors, scroll regions, character sets and encodings of the mouse are kept. The tests compare all of it.
 */
import type { IFunctionIdentifier, Terminal } from '@xterm/headless';

/** AttributeData: colours and flags in two words, as common/buffer/Constants.ts has them. */
export interface CellStyle {
  readonly fg: number;
  readonly bg: number;
  readonly extended: { readonly ext: number; readonly urlId: number };
}

export type Charset = Readonly<Record<string, string>> | undefined;

export interface ScreenBuffer {
  /** Of the cursor; equal to the number of columns when the next character wraps. */
  x: number;
  /** Of the cursor, below `ybase`, which is the first line of the screen. */
  readonly y: number;
  readonly ybase: number;
  readonly scrollTop: number;
  readonly scrollBottom: number;
  readonly savedX: number;
  /** Counted like lines: from the oldest that is kept. */
  readonly savedY: number;
  readonly savedCurAttrData: CellStyle;
  readonly savedCharset: Charset;
  readonly tabs: Readonly<Record<number, boolean | undefined>>;
}

export interface Params {
  readonly params: readonly (number | number[])[];
  readonly length: number;
}

export interface ScreenCore {
  readonly buffers: {
    readonly normal: ScreenBuffer;
    readonly alt: ScreenBuffer;
    readonly active: ScreenBuffer;
  };
  readonly coreService: {
    readonly isCursorHidden: boolean;
    readonly decPrivateModes: {
      readonly cursorStyle: 'block' | 'underline' | 'bar' | undefined;
      readonly cursorBlink: boolean | undefined;
    };
  };
  readonly coreMouseService: { readonly activeEncoding: string };
  readonly _charsetService: {
    readonly charset: Charset;
    readonly glevel: number;
    readonly _charsets: readonly Charset[];
  };
  readonly _inputHandler: {
    readonly _curAttrData: CellStyle;
    /** Takes all of it at once; the promise is for handlers of the public interface that are asynchronous: none is. */
    parse(bytes: Uint8Array): unknown;
    eraseInDisplay(params: Params, respectProtect: boolean): boolean;
    eraseChars(params: Params): boolean;
    readonly _parser: { reset(): void };
  };
  readonly _oscLinkService: {
    getLinkData(id: number): { readonly uri: string; readonly id?: string } | undefined;
  };
}

export const coreOf = (terminal: Terminal): ScreenCore =>
  (terminal as unknown as { readonly _core: ScreenCore })._core;

/**
 * Writes now, not soon, as the public `write` does: whatever goes wrong within is caught by the caller. After an error
 * the emulator goes on behind `bytes`.
 */
export function writeNow(terminal: Terminal, bytes: Uint8Array): void {
  const { _inputHandler: input } = coreOf(terminal);
  try {
    input.parse(bytes);
  } catch (error) {
    input._parser.reset();
    throw error;
  }
}

/** 6.0 throws on "erase up to the cursor" (ED 1) with the cursor in the last cell of a screen that never scrolled. */
export function mendErase(terminal: Terminal): void {
  for (const prefix of ['', '?'])
    terminal.parser.registerCsiHandler({ ...(prefix ? { prefix } : {}), final: 'J' }, (params) => {
      const core = coreOf(terminal);
      const buffer = core.buffers.active;
      const { cols, rows } = terminal;
      if (params[0] !== 1 || buffer.y !== rows - 1 || buffer.x < cols - 1) return false;
      const { x } = buffer;
      buffer.x = cols - 2;
      core._inputHandler.eraseInDisplay({ params: [1], length: 1 }, prefix === '?');
      buffer.x = cols - 1;
      core._inputHandler.eraseChars({ params: [1], length: 1 });
      buffer.x = x;
      return true;
    });
}

/** What leaves the cursor where it is, and may leave the last cell of its row empty: CSI sequences, by their first number. */
const EMPTYING: readonly (readonly [id: IFunctionIdentifier, first?: readonly number[]])[] = [
  [{ final: 'K' }, [1, 2]],
  [{ prefix: '?', final: 'K' }, [1, 2]],
  [{ final: 'J' }, [1, 2]],
  [{ prefix: '?', final: 'J' }, [1, 2]],
  [{ final: 'S' }],
  [{ final: 'T' }],
  [{ intermediates: ' ', final: '@' }],
  [{ intermediates: ' ', final: 'A' }],
  [{ intermediates: "'", final: '}' }],
  [{ intermediates: "'", final: '~' }],
  [{ prefix: '?', final: 'h' }, [47, 1047, 1049]],
  [{ prefix: '?', final: 'l' }, [47, 1047, 1049]],
];

/**
 * Waiting behind the last column for the next character to wrap ends with the character that led there, as DEC STD 070
 * has it ("last column flag"). 6.0 goes on waiting behind an empty cell, which no text can bring another terminal to.
 */
export function mendWrap(terminal: Terminal): void {
  for (const [id, first] of EMPTYING)
    terminal.parser.registerCsiHandler(id, (params) => {
      const { active } = coreOf(terminal).buffers;
      const concerned = !first || params.some((param) => typeof param === 'number' && first.includes(param));
      if (concerned) active.x = Math.min(active.x, terminal.cols - 1);
      return false;
    });
}
