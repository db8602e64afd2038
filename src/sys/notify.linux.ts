/** A Unix datagram socket, of which Node has none: socket(2), sendto(2). */
import { BorealisError } from '../protocol/errors.ts';
import { errorName, libc } from './libc.linux.ts';
import { socketAddress } from './socket-address.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2_000_000;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SO_SNDTIMEO = 21;
/** The longest that a service manager with a full queue may hold us up. */
const SEND_TIMEOUT_SECONDS = 2;

export interface NotifySocket {
  send(message: string): void;
  /** False where it could not be delivered. */
  trySend(message: string): boolean;
  close(): void;
}

type OpenSocket = (domain: number, type: number, protocol: number) => number;
type SetOption = (fd: number, level: number, option: number, value: Buffer, length: number) => number;
type SendTo = (
  fd: number,
  data: Buffer,
  size: number,
  flags: number,
  to: Buffer,
  toSize: number,
) => number | bigint;
type Close = (fd: number) => number;

/** `address` as in NOTIFY_SOCKET: a path, or `@name`. Errors: COMMAND_FAILED, PATH_TOO_LONG. */
export const openNotifySocket = (address: string): NotifySocket => {
  const c = libc();
  const to = socketAddress(address);
  const sendTo = c.function<SendTo>(
    'intptr_t sendto(int fd, const void *data, size_t size, int flags, const void *to, uint32_t to_size)',
  );
  const fd = c.function<OpenSocket>('int socket(int domain, int type, int protocol)')(
    AF_UNIX,
    SOCK_DGRAM | SOCK_CLOEXEC,
    0,
  );
  if (fd < 0) throw failed('socket', errorName(c.lastError()));
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(BigInt(SEND_TIMEOUT_SECONDS), 0);
  c.function<SetOption>('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)')(
    fd,
    SOL_SOCKET,
    SO_SNDTIMEO,
    timeout,
    timeout.length,
  );

  let open = true;
  const deliver = (message: string): string | null => {
    if (!open) return 'the notifier is closed';
    const data = Buffer.from(message);
    const sent = Number(sendTo(fd, data, data.length, MSG_NOSIGNAL, to, to.length));
    return sent === data.length ? null : errorName(c.lastError());
  };
  return {
    send: (message) => {
      const problem = deliver(message);
      if (problem) throw failed(address, problem);
    },
    trySend: (message) => deliver(message) === null,
    close: () => {
      if (open) c.function<Close>('int close(int fd)')(fd);
      open = false;
    },
  };
};

const failed = (what: string, problem: string) =>
  new BorealisError('COMMAND_FAILED', {
    detail: `The service manager cannot be told (${what}): ${problem}.`,
  });
