/**
 * The part of @xterm/headless 6.0 that is not public and without which a screen cannot be told whole: where saved
 * cursors, scroll regions, character sets and encodings of the mouse are kept. The tests compare all of it.
 */
import type { Terminal } from '@xterm/headless';

/** AttributeData: colours and flags in two words, as common/buffer/Constants.ts has them. */
export interface CellStyle {
  readonly fg: number;
  readonly bg: number;
  readonly extended: { readonly ext: number; readonly urlId: number };
}

export type Charset = Readonly<Record<string, string>> | undefined;

export interface ScreenBuffer {
  /** Of the cursor; equal to the number of columns when the next character wraps. */
  readonly x: number;
  /** Of the cursor, below `ybase`, which is the first line of the screen. */
  readonly y: number;
  readonly ybase: number;
  readonly scrollTop: number;
  readonly scrollBottom: number;
  readonly savedX: number;
  /** Counted like lines: from the oldest that is kept. */
  readonly savedY: number;
  readonly savedCurAttrData: CellStyle;
  readonly tabs: Readonly<Record<number, boolean | undefined>>;
}

export interface ScreenCore {
  readonly buffers: { readonly normal: ScreenBuffer; readonly alt: ScreenBuffer };
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
  readonly _inputHandler: { readonly _curAttrData: CellStyle };
  readonly _oscLinkService: {
    getLinkData(id: number): { readonly uri: string; readonly id?: string } | undefined;
  };
}

export const coreOf = (terminal: Terminal): ScreenCore =>
  (terminal as unknown as { readonly _core: ScreenCore })._core;
