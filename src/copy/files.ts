/** The calls of the operating system that a copy makes a hundred thousand times: descriptors, no handles. */
import fs from 'node:fs';
import { promisify } from 'node:util';

/** For what the operator named: a link of theirs is followed. A named pipe would keep us waiting. */
export const READ_NAMED = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);
/** For everything else. */
export const READ_FLAGS = READ_NAMED | (fs.constants.O_NOFOLLOW ?? 0);

export const open = promisify(fs.open);
export const close = promisify(fs.close);
export const fstat = promisify<number, fs.Stats>(fs.fstat);
export const fchown = promisify(fs.fchown);
export const fchmod = promisify(fs.fchmod);
export const futimes = promisify(fs.futimes);
export const ftruncate = promisify<number, number>(fs.ftruncate);
export const { lstat, stat, mkdir, rename, unlink, chmod, utimes, lutimes, symlink, readlink, readdir } =
  fs.promises;

/** Bytes read: fewer only at the end of the file. */
export const readAt = async (fd: number, into: Uint8Array, position: number): Promise<number> => {
  let filled = 0;
  while (filled < into.length) {
    const count = await readOnce(fd, into, filled, into.length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
};

const readOnce = (
  fd: number,
  into: Uint8Array,
  offset: number,
  length: number,
  position: number,
): Promise<number> =>
  new Promise((resolve, reject) => {
    fs.read(fd, into, offset, length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });

export const writeAt = async (fd: number, bytes: Uint8Array, position: number): Promise<void> => {
  for (let done = 0; done < bytes.length; )
    done += await writeOnce(fd, bytes, done, bytes.length - done, position + done);
};

const writeOnce = (
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
): Promise<number> =>
  new Promise((resolve, reject) => {
    fs.write(fd, bytes, offset, length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
