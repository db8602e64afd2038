/** A key or its echo, for which somebody waits: handed to the kernel past the stream, which takes many times as long. */
import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { descriptorOf } from './descriptor-of.ts';

/** More than that is worth the stream's care. */
const SMALL_BYTES = 1_024;

/**
 * What `write` of a TCP or Unix socket or a terminal does (not TLS: its bytes are not the kernel's), and what it returns.
 * Bytes stay in their order: where any wait in the stream, or the kernel does not take all, the stream has the rest.
 */
export const writeAtOnce = (to: Socket, bytes: Uint8Array): boolean => {
  const small = bytes.length <= SMALL_BYTES && to.writableLength === 0 && to.writable && !to.connecting;
  const fd = small ? descriptorOf(to) : -1;
  if (fd < 0) return to.write(bytes);
  let count = 0;
  try {
    count = writeSync(fd, bytes);
  } catch {
    // EAGAIN, which the stream waits for, or an error that it tells.
  }
  return count === bytes.length || to.write(count === 0 ? bytes : bytes.subarray(count));
};
