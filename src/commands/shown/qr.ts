/** A text as a QR code (ISO/IEC 18004) that phones read from a terminal, whatever its colours. */
import qrcode from 'qrcode-terminal';
import type { Output } from '../manner/output.ts';
import { width } from '../manner/text.ts';

/** Half blocks: a module is one column wide and half a line high. The quiet zone is two modules, not the standard's four. */
const modules = (text: string): string[] => {
  let drawn = '';
  qrcode.generate(text, { small: true }, (code) => {
    drawn = code;
  });
  return drawn
    .trimEnd()
    .split('\n')
    .map((line, at) => `█${at === 0 ? line.replaceAll('▄', '█') : line}█`);
};

/** White on black by number: the terminal's own colours may be the other way round, or anything. */
const ON = '\u001b[38;5;231;48;5;16m';
const OFF = '\u001b[0m';

/** To be shown last, so that all of it is on the screen. Without colours it is right on a dark background. */
export const showQr = (out: Output, text: string): void => {
  const lines = modules(text);
  const columns = width(lines[0] ?? '');
  const { width: has, height } = out.terminal;
  // One line more, for the prompt that follows.
  if (columns > has || lines.length >= height) {
    out.warn(
      `the QR code takes ${columns} × ${lines.length + 1} characters, and this terminal has ${has} × ${height}: enlarge it, then ask again.`,
    );
  }
  out.lines(out.terminal.color.stdout ? lines.map((line) => `${ON}${line}${OFF}`) : lines);
};
