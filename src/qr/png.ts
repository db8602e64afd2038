/** A QR code as a picture: PNG (ISO/IEC 15948), black and white, a bit a point. */
import { crc32, deflateSync } from 'node:zlib';
import type { Modules } from './matrix.ts';

/** Points that a module is wide. */
const SCALE = 8;
/** Modules of nothing around it, as the standard wants. */
const QUIET = 4;
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

export const qrPng = (modules: Modules): Buffer => {
  const side = (modules.length + 2 * QUIET) * SCALE;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  // A bit a point, greys; compression, filter and interlace are 0.
  header[8] = 1;
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(points(modules, side), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};

/** Lines, each with its filter before it: none. 1 is white. */
const points = (modules: Modules, side: number): Buffer => {
  const bytes = side / 8;
  const lines = Buffer.alloc(side * (bytes + 1), 0xff);
  for (let y = 0; y < side; y++) {
    const start = y * (bytes + 1);
    lines[start] = 0;
    const row = modules[Math.floor(y / SCALE) - QUIET];
    // A module is a byte wide.
    row?.forEach((dark, column) => {
      if (dark) lines[start + 1 + QUIET + column] = 0;
    });
  }
  return lines;
};

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
};
