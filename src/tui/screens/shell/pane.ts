/** One shell as a part of the screen: a terminal emulator (xterm's own) takes what it writes, and is drawn from. */
import type { IBufferCell, Terminal } from '@xterm/headless';
import { setWidths } from '../../../emulator/width.ts';
import type { ShellSize, ShellWindow } from '../../app/cli.ts';
import { type ExactLook, exactStyle, RGB } from '../../grid/exact.ts';
import { PLAIN, type Style, style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';

type Ears = Parameters<ShellWindow['open']>[0];

const SCROLLBACK = 2_000;

/** Loaded with the first shell, not with the dashboard. */
export const newPane = async (changed: () => void): Promise<ShellPane> => {
  const { default: xterm } = await import('@xterm/headless');
  return new ShellPane(
    new xterm.Terminal({ cols: 80, rows: 24, allowProposedApi: true, scrollback: SCROLLBACK }),
    changed,
  );
};

export class ShellPane implements ShellWindow {
  readonly #terminal: Terminal;
  readonly #changed: () => void;
  #ears: Ears | undefined;
  #given: string | undefined;
  #title = '';
  /** In place of the last line, until something new is shown. */
  #note: string | undefined;
  /** Lines above the end. */
  #up = 0;

  constructor(terminal: Terminal, changed: () => void) {
    this.#terminal = terminal;
    this.#changed = changed;
    setWidths(terminal);
    terminal.onTitleChange((title) => {
      this.#given = title;
    });
    // What a program asks its terminal is answered by this one.
    terminal.onData((answer) => this.#ears?.typed(Buffer.from(answer, 'utf8')));
  }

  get size(): ShellSize {
    return { cols: this.#terminal.cols, rows: this.#terminal.rows };
  }

  get state(): { readonly title: string | undefined } {
    return { title: this.#given };
  }

  get shownTitle(): string {
    return this.#title;
  }

  get modes(): Terminal['modes'] {
    return this.#terminal.modes;
  }

  open(ears: Ears): void {
    this.#ears = ears;
  }

  type(bytes: Buffer): void {
    this.#up = 0;
    if (bytes.length > 0) this.#ears?.typed(bytes);
  }

  /** It is looked at no more. */
  end(): void {
    this.#ears?.ended('SIGHUP');
  }

  resize(cols: number, rows: number): void {
    if (cols === this.#terminal.cols && rows === this.#terminal.rows) return;
    this.#terminal.resize(cols, rows);
    this.#ears?.resized({ cols, rows });
  }

  scroll(lines: number): void {
    const most = this.#terminal.buffer.active.baseY;
    this.#up = Math.max(0, Math.min(most, this.#up + lines));
  }

  // The connection stops reading while `show` waits; what is typed is small.
  pauseTyping(): void {}
  resumeTyping(): void {}

  show(bytes: Uint8Array): Promise<void> {
    this.#note = undefined;
    return this.#write(bytes);
  }

  clear(): Promise<void> {
    this.#terminal.reset();
    return this.#write('');
  }

  async note(text: string): Promise<void> {
    this.#note = text;
    this.#changed();
  }

  title(text: string): void {
    this.#title = text;
    this.#changed();
  }

  bell(): void {
    this.#changed();
  }

  close(): void {
    this.#ears = undefined;
  }

  dispose(): void {
    this.#terminal.dispose();
  }

  #write(data: Uint8Array | string): Promise<void> {
    return new Promise((resolve) =>
      this.#terminal.write(data, () => {
        this.#changed();
        resolve();
      }),
    );
  }

  draw(surface: Surface, focused: boolean): void {
    const { active } = this.#terminal.buffer;
    const top = active.baseY - this.#up;
    const rows = Math.min(surface.height, this.#terminal.rows);
    const columns = Math.min(surface.width, this.#terminal.cols);
    const cell = active.getNullCell();
    const look = new Look();
    for (let y = 0; y < rows; y++) {
      const line = active.getLine(top + y);
      for (let x = 0; x < columns; x++) {
        const found = line?.getCell(x, cell);
        if (!found || found.getWidth() === 0) continue;
        surface.cell(x, y, found.getChars() || ' ', found.getWidth(), look.of(found));
      }
    }
    if (this.#note !== undefined) {
      surface.fill(0, rows - 1, surface.width, 1, style('onAccent', 'warnFill'));
      surface.text(0, rows - 1, this.#note, style('onAccent', 'warnFill'));
    } else if (this.#up > 0)
      surface.text(
        Math.max(0, surface.width - 18),
        0,
        ` ${this.#up} lines below `,
        style('onAccent', 'accentFill'),
      );
    else if (focused) surface.cursor(active.cursorX, active.cursorY);
  }
}

/** The same for a run of cells that look the same. */
class Look {
  #fore = -2;
  #back = -2;
  #flags = -1;
  #style: Style = PLAIN;

  of(cell: IBufferCell): Style {
    const fore = cell.isFgDefault() ? -1 : cell.isFgRGB() ? RGB + cell.getFgColor() : cell.getFgColor();
    const back = cell.isBgDefault() ? -1 : cell.isBgRGB() ? RGB + cell.getBgColor() : cell.getBgColor();
    const flags = cell.isAttributeDefault() ? 0 : flagsOf(cell);
    if (fore === this.#fore && back === this.#back && flags === this.#flags) return this.#style;
    [this.#fore, this.#back, this.#flags] = [fore, back, flags];
    this.#style = fore === -1 && back === -1 && flags === 0 ? PLAIN : exactStyle(lookOf(fore, back, flags));
    return this.#style;
  }
}

/** SGR 1 to 9, a bit each. */
const flagsOf = (cell: IBufferCell): number =>
  (cell.isBold() ? 1 << 1 : 0) |
  (cell.isDim() ? 1 << 2 : 0) |
  (cell.isItalic() ? 1 << 3 : 0) |
  (cell.isUnderline() ? 1 << 4 : 0) |
  (cell.isBlink() ? 1 << 5 : 0) |
  (cell.isInverse() ? 1 << 7 : 0) |
  (cell.isInvisible() ? 1 << 8 : 0) |
  (cell.isStrikethrough() ? 1 << 9 : 0);

const lookOf = (fore: number, back: number, flags: number): ExactLook => ({
  fore,
  back,
  attributes: [1, 2, 3, 4, 5, 7, 8, 9].filter((code) => flags & (1 << code)),
});
