/** Addresses of Unix sockets, unix(7). */
import { BorealisError } from '../protocol/errors.ts';

/** Bytes of a path in sun_path, which holds 108 with the NUL at its end. */
export const SOCKET_PATH_BYTES = 107;

/**
 * The path, if a socket can have it; Node would cut a longer one short without a word.
 * Errors: PATH_TOO_LONG.
 */
export const checkSocketPath = (path: string): string => {
  const bytes = Buffer.byteLength(path);
  if (bytes > SOCKET_PATH_BYTES) {
    throw new BorealisError('PATH_TOO_LONG', {
      detail: `${path} has ${bytes} bytes; the kernel allows ${SOCKET_PATH_BYTES}.`,
    });
  }
  return path;
};

/** struct sockaddr_un; a leading `@` stands for the NUL of the abstract namespace. */
export const socketAddress = (address: string): Buffer => {
  checkSocketPath(address);
  const name = Buffer.from(address.startsWith('@') ? `\0${address.slice(1)}` : `${address}\0`);
  const family = Buffer.alloc(2);
  family.writeUInt16LE(1);
  return Buffer.concat([family, name]);
};
