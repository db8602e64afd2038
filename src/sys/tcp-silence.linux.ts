/** TCP_USER_TIMEOUT, tcp(7). */
import { BorealisError } from '../protocol/errors.ts';
import { errorName, libc } from './libc.linux.ts';

const IPPROTO_TCP = 6;
const TCP_USER_TIMEOUT = 18;

type SetSockOpt = (fd: number, level: number, option: number, value: Buffer, length: number) => number;

/** Errors: INTERNAL where the descriptor is no TCP socket. */
export const setUserTimeout = (fd: number, ms: number): void => {
  const value = Buffer.alloc(4);
  value.writeUInt32LE(ms);
  const setsockopt = libc().function<SetSockOpt>(
    'int setsockopt(int fd, int level, int option, const void *value, uint32_t length)',
  );
  if (setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, value, value.length) === 0) return;
  throw new BorealisError('INTERNAL', { detail: `TCP_USER_TIMEOUT: ${errorName(libc().lastError())}.` });
};
