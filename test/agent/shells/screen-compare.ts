/** Two emulators, compared in all that a person, or a program that goes on, could notice. */
import headless, { type IBuffer, type Terminal } from '@xterm/headless';
import {
  coreOf,
  mendErase,
  mendWrap,
  type ScreenBuffer,
  writeNow,
} from '../../../src/agent/shells/screen-core.ts';
import { hasBackground, linkOf, styleKey, visible } from '../../../src/agent/shells/screen-style.ts';
import { setWidths } from '../../../src/emulator/width.ts';

export const emptyTerminal = (cols: number, rows: number): Terminal => {
  const terminal = new headless.Terminal({ cols, rows, scrollback: 1_000, allowProposedApi: true });
  setWidths(terminal);
  mendErase(terminal);
  mendWrap(terminal);
  return terminal;
};

export const write = (terminal: Terminal, data: string | Uint8Array): void =>
  writeNow(terminal, typeof data === 'string' ? Buffer.from(data) : data);

/** Everything that counts, as something that `toEqual` explains. */
export function stateOf(terminal: Terminal) {
  const core = coreOf(terminal);
  const { active, normal, alternate } = terminal.buffer;
  const inAlternate = active.type === 'alternate';
  const inner = inAlternate ? core.buffers.alt : core.buffers.normal;
  const { charset, glevel } = core._charsetService;
  return {
    normal: linesOf(terminal, normal),
    alternate: inAlternate ? linesOf(terminal, alternate) : null,
    cursor: [inner.x, inner.y],
    leftBehind: inAlternate ? [core.buffers.normal.x, core.buffers.normal.y] : null,
    saved: savedOf(inner, terminal),
    savedBehind: inAlternate ? savedOf(core.buffers.normal, terminal) : null,
    region: [inner.scrollTop, inner.scrollBottom],
    tabs: Array.from({ length: terminal.cols }, (_, column) => column).filter((column) => inner.tabs[column]),
    style: look(core._inputHandler._curAttrData, terminal),
    modes: { ...terminal.modes, synchronizedOutputMode: false },
    mouse: core.coreMouseService.activeEncoding,
    hidden: core.coreService.isCursorHidden,
    shape: [core.coreService.decPrivateModes.cursorStyle, core.coreService.decPrivateModes.cursorBlink],
    charset: [charset?.q ?? 'q', charset?.['#'] ?? '#', glevel],
  };
}

const savedOf = (
  { savedX, savedY, ybase, savedCurAttrData: { fg, bg } }: ScreenBuffer,
  { cols }: Terminal,
) => [
  // One saved behind the last column comes back in it.
  Math.min(savedX, cols - 1),
  Math.max(0, savedY - ybase),
  visible(fg),
  visible(bg) & 0x4ffffff,
];

const look = (style: Parameters<typeof styleKey>[0], terminal: Terminal): string => {
  const link = linkOf(style);
  const uri = link ? coreOf(terminal)._oscLinkService.getLinkData(link)?.uri : '';
  return `${styleKey({ ...style, fg: style.fg, bg: style.bg, extended: { ext: style.extended.ext, urlId: 0 } })} ${uri}`;
};

function linesOf(terminal: Terminal, buffer: IBuffer): string[] {
  return Array.from({ length: buffer.length }, (_, row) => {
    const line = buffer.getLine(row)!;
    const cells = Array.from({ length: terminal.cols }, (_, column) => {
      const cell = line.getCell(column)!;
      const style = cell as unknown as Parameters<typeof styleKey>[0];
      // Behind a wide character, whatever the cell says of itself, its other half is shown.
      if (column > 0 && line.getCell(column - 1)!.getWidth() === 2) return '';
      // An empty cell shows its background and nothing else of its style.
      if (cell.getChars() === '')
        return cell.getWidth() === 0 ? '' : hasBackground(style) ? `_${visible(style.bg) & 0x3ffffff}_` : ' ';
      const plain = visible(style.fg) === 0 && (visible(style.bg) & 0x5fffffff) === 0;
      return plain ? cell.getChars() : `${cell.getChars()}{${look(style, terminal)}}`;
    });
    // The first goes on from nothing, though the line that it went on from was scrolled away.
    return `${line.isWrapped && row > 0 ? '↳' : ''}${cells.join('').trimEnd()}`;
  });
}
