/**
 * What is typed, a few bytes at a time, as a whole WebSocket message of a client (RFC 6455, 5.2). A library that makes any
 * message takes longer for it than the way to the engine.
 */
import { randomFillSync } from 'node:crypto';

/** Their length fits into the second byte. */
export const TYPED_MESSAGE_MAX = 125;
const FINAL_BINARY = 0x82;
const MASKED = 0x80;
const MASK_BYTES = 4;
const HEADER_BYTES = 2 + MASK_BYTES;
/** Drawn many at a time. */
const masks = Buffer.alloc(4_096);
let masksUsed = masks.length;

/** Masked by what nobody can foresee (5.3). At most TYPED_MESSAGE_MAX bytes. */
export const typedMessage = (bytes: Uint8Array): Buffer => {
  if (masksUsed === masks.length) {
    randomFillSync(masks);
    masksUsed = 0;
  }
  const message = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
  message[0] = FINAL_BINARY;
  message[1] = MASKED | bytes.length;
  for (let at = 2; at < HEADER_BYTES; at++) message[at] = masks[masksUsed++]!;
  for (let at = 0; at < bytes.length; at++)
    message[HEADER_BYTES + at] = bytes[at]! ^ message[2 + (at % MASK_BYTES)]!;
  return message;
};
