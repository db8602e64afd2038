/** Why the engine's socket cannot be reached, and what to do about it. Loaded only when that happens. */
import { lstatSync, readFileSync, type Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { BorealisError } from '../protocol/errors.ts';

/** `cause` is the error of connect(2) or of the broken connection. */
export const unreachable = (socketPath: string, cause: NodeJS.ErrnoException): BorealisError => {
  const found = explain(socketPath, cause);
  return new BorealisError('ENGINE_UNREACHABLE', { ...found, cause });
};

const explain = (socketPath: string, cause: NodeJS.ErrnoException): { detail: string; next?: string } => {
  switch (cause.code) {
    case 'ENOENT':
      return { detail: `There is no socket at ${socketPath}, so no engine runs there.` };
    case 'ECONNREFUSED':
      return {
        detail: `Nobody listens at ${socketPath}: the engine that made it has ended.`,
      };
    case 'EACCES':
    case 'EPERM':
      return explainRefusal(socketPath);
    case 'ENOTSOCK':
    case 'EPROTOTYPE':
    case 'ENOTDIR':
      return {
        detail: `${socketPath} is not a socket.`,
        next: 'Name the right one with --socket or BOREALIS_SOCKET.',
      };
    case 'EINVAL':
    case 'ENAMETOOLONG':
      return {
        detail: `${socketPath} is too long for a Unix socket.`,
        next: 'Name a shorter one with --socket or BOREALIS_SOCKET.',
      };
    case 'EAGAIN':
      return {
        detail: `The engine at ${socketPath} has more callers waiting than it takes.`,
        next: 'Try again in a moment.',
      };
    default:
      return {
        detail: `The connection to ${socketPath} broke${cause.message ? `: ${cause.message}` : ''}.`,
        next: 'See whether the engine runs: borealisctl status',
      };
  }
};

/** The first directory on the way, or the socket itself, that does not let us through; and who is let through. */
const explainRefusal = (socketPath: string): { detail: string; next: string } => {
  const user = userInfo().username;
  const lock = lockedPlace(socketPath);
  if (!lock) {
    return {
      detail: `You (${user}) may not use ${socketPath}.`,
      next: 'Ask an admin of the engine to let you in, or use sudo.',
    };
  }
  const group = groupName(lock.stats.gid);
  const letsGroupIn =
    (lock.stats.mode & 0o010) !== 0 || (lock.path === socketPath && (lock.stats.mode & 0o020) !== 0);
  const detail = `You (${user}) may not pass ${lock.path}.`;
  if (letsGroupIn && lock.stats.gid !== 0) {
    return {
      detail: `${detail} Members of the group ${group} may.`,
      next: `Join it with: sudo usermod -aG ${group} ${user}; then log in again. Or use sudo.`,
    };
  }
  return {
    detail: `${detail} Only its owner and root may.`,
    next: 'Use sudo, or let a group in: sudo borealisctl config set socket_group GROUP; then restart the engine.',
  };
};

const lockedPlace = (socketPath: string): { path: string; stats: Stats } | undefined => {
  const way: string[] = [];
  for (let path = socketPath; path !== dirname(path); path = dirname(path)) way.unshift(path);
  let last: { path: string; stats: Stats } | undefined;
  for (const path of way) {
    try {
      last = { path, stats: lstatSync(path) };
    } catch {
      return last; // the directory before is the one that is closed
    }
  }
  return last;
};

/** From /etc/group; the number where a directory service has the name. */
const groupName = (gid: number): string => {
  try {
    const lines = readFileSync('/etc/group', 'utf8').split('\n');
    const name = lines.map((line) => line.split(':')).find(([, , id]) => id === String(gid))?.[0];
    return name ?? String(gid);
  } catch {
    return String(gid); // no such file here
  }
};
