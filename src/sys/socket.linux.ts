/** Sockets of families that Node does not have: netlink(7), packet(7). Nothing here waits: a call is done or says EAGAIN. */
import { BorealisError } from '../protocol/errors.ts';
import { ERRNO, errorName, type Koffi, libc } from './libc.linux.ts';

const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const MSG_DONTWAIT = 0x40;
const ADDRESS_BYTES = 128;

export const SOCK = { dgram: 2, raw: 3 } as const;

/** A call that the kernel refused: `EPERM`. */
export class Refused extends Error {
  readonly errno: string;
  constructor(call: string, errno: string) {
    super(`${call}: ${errno}`);
    this.name = 'Refused';
    this.errno = errno;
  }
}

/** An instruction of the classic packet filter (linux/filter.h): code, jump if true, jump if false, operand. */
export type FilterStep = readonly [code: number, jt: number, jf: number, k: number];

export interface Received {
  readonly data: Buffer;
  /** A struct sockaddr of its family. */
  readonly from: Buffer;
}

interface Calls {
  readonly koffi: Koffi;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Buffer, length: number) => number;
  readonly sendto: (
    fd: number,
    data: Buffer,
    size: number,
    flags: number,
    to: Buffer | null,
    length: number,
  ) => number;
  readonly recvfrom: (
    fd: number,
    data: Buffer,
    size: number,
    flags: number,
    from: Buffer,
    length: Uint32Array,
  ) => number;
  readonly setsockopt: (fd: number, level: number, option: number, value: Buffer, length: number) => number;
  readonly close: (fd: number) => number;
}

let bound: Calls | undefined;

const calls = (): Calls => {
  bound ??= {
    koffi: libc().koffi,
    socket: libc().function('int socket(int family, int type, int protocol)'),
    bind: libc().function('int bind(int fd, const void *address, uint32_t length)'),
    sendto: libc().function(
      'int64_t sendto(int fd, const void *data, size_t size, int flags, const void *to, uint32_t length)',
    ),
    recvfrom: libc().function(
      'int64_t recvfrom(int fd, void *data, size_t size, int flags, void *from, _Inout_ uint32_t *length)',
    ),
    setsockopt: libc().function(
      'int setsockopt(int fd, int level, int option, const void *value, uint32_t length)',
    ),
    close: libc().function('int close(int fd)'),
  };
  return bound;
};

export class Socket {
  readonly #calls: Calls;
  readonly #fd: number;
  /** Not from Buffer's pool: its memory must stay where it is and be ours alone. */
  readonly #room: Buffer;
  readonly #from = Buffer.from(new ArrayBuffer(ADDRESS_BYTES));
  #watch: { close(): void } | undefined;
  #closed = false;

  /** `room`: bytes of the largest message that is received whole. Errors: Refused; UNSUPPORTED_PLATFORM. */
  constructor(family: number, type: number, protocol: number, room: number) {
    this.#calls = calls();
    this.#room = Buffer.from(new ArrayBuffer(room));
    this.#fd = this.#calls.socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (this.#fd < 0) throw refused('socket');
  }

  bind(address: Buffer): void {
    if (this.#calls.bind(this.#fd, address, address.length) !== 0) throw refused('bind');
  }

  setOption(level: number, option: number, value: Buffer): void {
    if (this.#calls.setsockopt(this.#fd, level, option, value, value.length) !== 0) {
      throw refused('setsockopt');
    }
  }

  /** What the filter returns 0 for is not received (SO_ATTACH_FILTER, socket(7)). */
  filter(steps: readonly FilterStep[]): void {
    const program = Buffer.from(new ArrayBuffer(steps.length * 8));
    for (const [index, [code, jt, jf, k]] of steps.entries()) {
      program.writeUInt16LE(code, index * 8);
      program.writeUInt8(jt, index * 8 + 2);
      program.writeUInt8(jf, index * 8 + 3);
      program.writeUInt32LE(k >>> 0, index * 8 + 4);
    }
    // struct sock_fprog on a machine of 64 bits.
    const fprog = Buffer.alloc(16);
    fprog.writeUInt16LE(steps.length);
    fprog.writeBigUInt64LE(this.#calls.koffi.address(program), 8);
    this.setOption(SOL_SOCKET, SO_ATTACH_FILTER, fprog);
    // A use after the call: until here its memory must not be taken back.
    program.fill(0);
  }

  send(data: Buffer, to: Buffer | null = null): void {
    const sent = this.#calls.sendto(this.#fd, data, data.length, MSG_DONTWAIT, to, to?.length ?? 0);
    if (sent < 0) throw refused('send');
  }

  /** Null where nothing has come. What it returns is overwritten by the next call. */
  receive(): Received | null {
    const length = Uint32Array.of(ADDRESS_BYTES);
    const { recvfrom } = this.#calls;
    const size = recvfrom(this.#fd, this.#room, this.#room.length, MSG_DONTWAIT, this.#from, length);
    if (size >= 0) return { data: this.#room.subarray(0, size), from: this.#from.subarray(0, length[0]) };
    const errno = libc().lastError();
    if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) return null;
    throw new Refused('receive', errorName(errno));
  }

  /** Calls back, from the event loop, whenever there is something to receive. Does not keep the process alive. */
  onReadable(listener: () => void): void {
    const handle = this.#calls.koffi.node.poll(this.#fd, { readable: true }, listener);
    handle.unref();
    this.#watch = handle;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // First, or the loop would watch whatever gets the number next.
    this.#watch?.close();
    this.#calls.close(this.#fd);
  }
}

/** NET_ADMIN_REQUIRED or COMMAND_FAILED for a refusal; what is none stays as it is. */
export const translated = (error: unknown, what: string): unknown => {
  if (!(error instanceof Refused)) return error;
  const code = error.errno === 'EPERM' ? 'NET_ADMIN_REQUIRED' : 'COMMAND_FAILED';
  return new BorealisError(code, { detail: `${what}: ${error.message}.`, cause: error });
};

const refused = (call: string): Refused => new Refused(call, errorName(libc().lastError()));
