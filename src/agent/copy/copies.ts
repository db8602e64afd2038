/**
 * Copies, as the agent takes part in them: it writes below the target that the token names and nowhere else, or reads
 * what the token names and nothing else. It does so as its own user, root: what it makes belongs to root, what it
 * replaces keeps its owner.
 */
import { ChunkPool } from '../../copy/chunk-pool.ts';
import { CopyConnection, CopyInterrupted } from '../../copy/connection.ts';
import type { CopyWatch } from '../../copy/problems.ts';
import { receiveTree } from '../../copy/receive.ts';
import { sendTree } from '../../copy/send.ts';
import { findSource, sourceName } from '../../copy/source.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { AgentLog } from '../log.ts';
import type { PortConnection } from '../port/connection.ts';
import type { ClaimsOf, Purposes } from '../port/purposes.ts';

/** Each holds some megabytes and a hundred descriptors. */
const AT_ONCE = 16;
/** As root's login shell would make it: the agent's own mask keeps everything to itself. */
const DIRECTORY_MODE = 0o755;

export interface CopiesOptions {
  readonly log: AgentLog;
  /** Of the agent's user: where paths begin that do not begin at the root. */
  readonly home: string;
  /** 16 where not given. */
  readonly most?: number;
}

export interface Copies {
  readonly purposes: Pick<Purposes, 'copy'>;
}

export const createCopies = ({ log, home, most = AT_ONCE }: CopiesOptions): Copies => {
  let running = 0;
  const serve = async (claims: ClaimsOf<'copy'>, connection: PortConnection): Promise<void> => {
    if (running >= most)
      throw new BorealisError('RATE_LIMITED', { detail: `${most} copies are under way on that device.` });
    running += 1;
    const { direction, path, actor } = claims;
    const counts = counting();
    const about = { direction, path, actor };
    log.info(about, 'copy began');
    try {
      await copy(claims, connection, home, counts.watch);
      log.info({ ...about, ...counts.total }, 'copy ended');
    } catch (error) {
      log.info({ ...about, ...counts.total, reason: (error as Error).message }, 'copy broke off');
      if (!(error instanceof CopyInterrupted)) throw error;
      connection.destroy();
    } finally {
      running -= 1;
    }
  };
  return { purposes: { copy: serve } };
};

const copy = async (
  { direction, path: named }: ClaimsOf<'copy'>,
  port: PortConnection,
  home: string,
  watch: CopyWatch,
): Promise<void> => {
  const path = onDevice(named, home);
  const settled = new Set<string>();
  const pool = new ChunkPool();
  port.allocate = pool.take;
  const connection = new CopyConnection({ socket: port.socket, frames: port.frames(), pool, side: 'agent' });
  try {
    const receiving = { connection, path, directoryMode: DIRECTORY_MODE, memory: { settled }, watch };
    if (direction === 'to_device') return await receiveTree(receiving);
    const source = { ...(await findSource(path)), name: sourceName(named) };
    await sendTree({ connection, sources: [source], memory: { settled, into: null }, watch });
  } finally {
    connection.stop();
  }
};

/** Not made shorter: where `..` leads is the file system's to say. */
const onDevice = (path: string, home: string): string => {
  if (path.startsWith('/')) return path;
  return path === '~' || path.startsWith('~/') ? home + path.slice(1) : `${home}/${path}`;
};

const counting = () => {
  const total = { files: 0, bytes: 0, problems: 0 };
  const watch: CopyWatch = {
    began() {},
    found() {},
    counted() {},
    moved(bytes) {
      total.bytes += bytes;
    },
    kept() {},
    done(entry) {
      if (entry.kind === 'file') total.files += 1;
    },
    problem() {
      total.problems += 1;
    },
  };
  return { total, watch };
};
