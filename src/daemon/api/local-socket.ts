/**
 * The Unix socket of the local API: owner and modes of it and its directory are the first lock on the door, the
 * kernel's word on the caller the second.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { dirname } from 'node:path';
import { BorealisError } from '../../protocol/errors.ts';

/** Connections that wait to be accepted; connect(2) fails beyond. Node's own default is 511; the kernel caps it too. */
const BACKLOG = 4_096;
/** S_ISVTX, as /tmp has it: only owners rename. */
const STICKY = 0o1000;

export interface SocketPlace {
  readonly path: string;
  /** Members of this Unix group may connect; only root and the engine's own user when null. */
  readonly gid: number | null;
  /**
   * The state directory, where the socket is in `run` below it. Null where somebody named another place: its directory
   * may serve others too, so its mode is left as it is.
   */
  readonly state: string | null;
}

/**
 * Binds `server` at the place. To be called only by the holder of the state's lock: a socket that is there already
 * was left behind by a dead engine, and is removed.
 */
export const listenOn = async (server: Server, { path, gid, state }: SocketPlace): Promise<void> => {
  const directory = dirname(path);
  const made = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (state === null && made === undefined) demandSafe(directory);
  removeStale(path);
  // bind(2) makes the socket's file with the mode that the mask leaves, before anybody could connect.
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  const mask = process.umask(0o177);
  try {
    server.listen({ path, backlog: BACKLOG }, resolve);
  } finally {
    process.umask(mask);
  }
  await promise.finally(() => server.off('error', reject));
  if (gid !== null) chownSync(path, -1, gid);
  chmodSync(path, gid === null ? 0o600 : 0o660);
  if (state === null && made === undefined) return;
  if (gid !== null) chownSync(directory, -1, gid);
  chmodSync(directory, gid === null ? 0o700 : 0o750);
  if (state === null || gid === null) return;
  // To get to `run`, members must pass through the state directory; they can list and read nothing of it.
  chownSync(state, -1, gid);
  chmodSync(state, 0o710);
};

/** Who may rename in the directory may put a socket of their own there, and be taken for the engine. */
const demandSafe = (directory: string): void => {
  const { uid, mode } = statSync(directory);
  const own = uid === 0 || uid === process.geteuid?.();
  if (own && ((mode & 0o022) === 0 || (mode & STICKY) !== 0)) return;
  throw new BorealisError('CONFIG_INVALID', {
    detail: `socket: others may put a socket of their own into ${directory}.`,
    next: `Name another --socket, or close the directory to them: chmod go-w ${directory}`,
  });
};

const removeStale = (path: string): void => {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) {
    throw new BorealisError('CONFIG_INVALID', {
      detail: `${path} exists and is not a socket.`,
      next: 'Remove it, or name another --socket.',
    });
  }
  unlinkSync(path);
};
