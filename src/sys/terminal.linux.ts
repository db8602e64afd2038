/** Terminals, through a descriptor, be it that of a pseudo-terminal's master end: termios(3), fcntl(2). */
import { libc } from './libc.linux.ts';

/** struct termios of glibc and musl, x86-64 and arm64: four 32-bit words of flags come first. */
const TERMIOS_BYTES = 128;
const IFLAG_AT = 0;
const OFLAG_AT = 4;
const LFLAG_AT = 12;
const OPOST = 0o1;
const ECHO = 0o10;
const IUTF8 = 0o40000;
const TCSANOW = 0;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

type Tcgetattr = (fd: number, attributes: Buffer) => number;
type Tcsetattr = (fd: number, actions: number, attributes: Buffer) => number;
type Fcntl = (fd: number, command: number, type: 'int', value: number) => number;

/** Does the terminal show what is typed, at this moment? Null where that cannot be known. */
export const terminalEchoes = (fd: number): boolean | null => {
  const attributes = read(fd);
  return attributes && (attributes.readUInt32LE(LFLAG_AT) & ECHO) !== 0;
};

/** Has the kernel hand out what is written as it is. False where that did not work. */
export const keepOutput = (fd: number): boolean => {
  const attributes = read(fd);
  if (!attributes) return false;
  attributes.writeUInt32LE((attributes.readUInt32LE(OFLAG_AT) & ~OPOST) >>> 0, OFLAG_AT);
  return write(fd, attributes);
};

/** Has the kernel erase whole characters of UTF-8, where it edits lines itself. False where that did not work. */
export const editUtf8 = (fd: number): boolean => {
  const attributes = read(fd);
  if (!attributes) return false;
  attributes.writeUInt32LE((attributes.readUInt32LE(IFLAG_AT) | IUTF8) >>> 0, IFLAG_AT);
  return write(fd, attributes);
};

/** Programs that are started from now on do not inherit the descriptor. False where that did not work. */
export const closeOnExec = (fd: number): boolean =>
  libc().function<Fcntl>('int fcntl(int fd, int command, ...)')(fd, F_SETFD, 'int', FD_CLOEXEC) === 0;

const read = (fd: number): Buffer | null => {
  const attributes = Buffer.alloc(TERMIOS_BYTES);
  const get = libc().function<Tcgetattr>('int tcgetattr(int fd, _Out_ void *attributes)');
  return get(fd, attributes) === 0 ? attributes : null;
};

const write = (fd: number, attributes: Buffer): boolean =>
  libc().function<Tcsetattr>('int tcsetattr(int fd, int actions, const void *attributes)')(
    fd,
    TCSANOW,
    attributes,
  ) === 0;
