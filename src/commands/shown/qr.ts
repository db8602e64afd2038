/** A text as a QR code that phones read from a terminal, whatever its colours. */
import qrcode from 'qrcode-terminal';

/** Half blocks: a module is one column wide and half a line high. */
export const qrLines = (text: string): string[] => {
  let drawn = '';
  qrcode.generate(text, { small: true }, (code) => {
    drawn = code;
  });
  return drawn.trimEnd().split('\n');
};
