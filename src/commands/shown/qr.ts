/** A text as a QR code that phones read from a terminal, whatever its colours. */
import { BorealisError } from '../../protocol/errors.ts';
import { halfBlocks, sextants } from '../../qr/blocks.ts';
import { qrModules } from '../../qr/matrix.ts';
import type { Output } from '../manner/output.ts';
import { width } from '../manner/text.ts';

/** White on black by number: the terminal's own colours may be the other way round, or anything. */
const ON = '\u001b[38;5;231;48;5;16m';
const OFF = '\u001b[0m';

/** To be shown last, so that all of it is on the screen. Without colours it is right on a dark background. */
export const showQr = (out: Output, text: string): void => {
  const lines = halfBlocks(qrModules(text));
  if (!fits(out, lines)) out.warn(`${tooLarge(out, lines)}: enlarge it, then ask again.`);
  show(out, lines);
};

/** A way of drawing a text as long as `like` that fits the terminal. Errors: QR_TOO_LARGE with what is needed. */
export const fittingQr = (out: Output, like: string): ((text: string) => void) => {
  const large = halfBlocks(qrModules(like));
  if (fits(out, large)) return (text) => show(out, halfBlocks(qrModules(text)));
  const small = sextants(qrModules(like));
  if (fits(out, small))
    return (text) => {
      const needs = `${columns(large)} × ${large.length + 1}`;
      out.note(
        `Drawn small: where it does not look like a QR code, enlarge the terminal to ${needs}.`,
        'dim',
      );
      show(out, sextants(qrModules(text)));
    };
  throw new BorealisError('QR_TOO_LARGE', {
    detail: `${tooLarge(out, small)}.`,
    next: `Enlarge it to ${columns(small)} × ${small.length + 1}, better ${columns(large)} × ${large.length + 1}; or write a picture with --png FILE.`,
  });
};

const columns = (lines: readonly string[]): number => width(lines[0] ?? '');

/** One line more, for the prompt that follows. */
const fits = ({ terminal }: Output, lines: readonly string[]): boolean =>
  columns(lines) <= terminal.width && lines.length < terminal.height;

const tooLarge = ({ terminal }: Output, lines: readonly string[]): string =>
  `the QR code takes ${columns(lines)} × ${lines.length + 1} characters, and this terminal has ${terminal.width} × ${terminal.height}`;

const show = (out: Output, lines: readonly string[]): void =>
  out.lines(out.terminal.color.stdout ? lines.map((line) => `${ON}${line}${OFF}`) : lines);
