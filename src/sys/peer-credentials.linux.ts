/** SO_PEERCRED and SO_PEERGROUPS, unix(7): what the kernel noted of the other process when it connected. */
import { BorealisError } from '../protocol/errors.ts';
import { ERRNO, errorName, libc } from './libc.linux.ts';
import type { PeerCredentials } from './peer-credentials.ts';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERGROUPS = 59;
/** (uid_t) -1: the kernel knows no peer. */
const NOBODY_KNOWN = 0xffff_ffff;
/** NGROUPS_MAX of Linux. */
const GROUPS_MAX = 65_536;

type GetSockOpt = (fd: number, level: number, option: number, value: Buffer, length: Uint32Array) => number;

const getsockopt = (): GetSockOpt =>
  libc().function<GetSockOpt>(
    'int getsockopt(int fd, int level, int option, void *value, _Inout_ uint32_t *length)',
  );

/** Errors: IDENTITY_UNPROVEN where the descriptor is no connected Unix socket. */
export const peerCredentialsOf = (fd: number): PeerCredentials => {
  const ucred = Buffer.alloc(12);
  const length = Uint32Array.of(ucred.length);
  if (getsockopt()(fd, SOL_SOCKET, SO_PEERCRED, ucred, length) !== 0) {
    throw unproven(`SO_PEERCRED: ${errorName(libc().lastError())}.`);
  }
  const uid = ucred.readUInt32LE(4);
  // For a TCP socket the call succeeds and knows nobody.
  if (length[0] !== ucred.length || uid === NOBODY_KNOWN) throw unproven('The socket has no known peer.');
  return { pid: ucred.readInt32LE(0), uid, gid: ucred.readUInt32LE(8), groups: peerGroups(fd) };
};

const peerGroups = (fd: number): number[] => {
  const first = Buffer.alloc(64 * 4);
  const length = Uint32Array.of(first.length);
  if (getsockopt()(fd, SOL_SOCKET, SO_PEERGROUPS, first, length) === 0) return decode(first, length[0]!);
  const errno = libc().lastError();
  const needed = length[0]!;
  // The kernel says with ERANGE how much it has; the list was copied at connect(2), so it stays that long.
  if (errno === ERRNO.ERANGE && needed > first.length && needed <= GROUPS_MAX * 4) {
    const all = Buffer.alloc(needed);
    if (getsockopt()(fd, SOL_SOCKET, SO_PEERGROUPS, all, length) === 0) return decode(all, length[0]!);
  }
  throw unproven(`SO_PEERGROUPS: ${errorName(libc().lastError())}.`);
};

const decode = (list: Buffer, bytes: number): number[] =>
  Array.from({ length: bytes / 4 }, (_, index) => list.readUInt32LE(index * 4));

const unproven = (detail: string) => new BorealisError('IDENTITY_UNPROVEN', { detail });
