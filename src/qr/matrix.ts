/** A text as a QR code (ISO/IEC 18004), error correction L: its modules, row by row. Letters of one byte alone. */
import qrcode from 'qrcode-terminal';

/** True where dark. */
export type Modules = readonly (readonly boolean[])[];

/** Bytes in version 40, L. */
export const QR_MAX_BYTES = 2_953;

/** Errors: RangeError where the text is too long, or has other letters. */
export const qrModules = (text: string): Modules => {
  if (text.length > QR_MAX_BYTES) throw new RangeError(`a QR code holds ${QR_MAX_BYTES} bytes`);
  for (const letter of text)
    if ((letter.codePointAt(0) ?? 0) > 0xff) throw new RangeError(`${letter} takes more than a byte`);
  let drawn = '';
  qrcode.generate(text, { small: true }, (code) => {
    drawn = code;
  });
  const lines = drawn.trimEnd().split('\n');
  // Around it is a frame of light modules; each line is two rows, of which the last is one too many.
  const size = (lines[0]?.length ?? 0) - 2;
  const rows = lines.slice(1).flatMap((line) => {
    const blocks = [...line].slice(1, -1);
    return [blocks.map((block) => !UPPER.has(block)), blocks.map((block) => !LOWER.has(block))];
  });
  return rows.slice(0, size);
};

/** Blocks whose upper half is light, and whose lower half is. */
const UPPER = new Set(['█', '▀']);
const LOWER = new Set(['█', '▄']);
