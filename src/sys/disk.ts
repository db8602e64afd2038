/** Room on the file system that holds a path. */
import { statfs } from 'node:fs/promises';

export interface DiskUsage {
  /** Bytes. */
  readonly total: number;
  /** Bytes that an ordinary user may still use; root's reserve is not counted. */
  readonly free: number;
  readonly percent_free: number;
}

/** Errors: those of statfs(2), among them ENOENT. */
export const diskUsage = async (path: string): Promise<DiskUsage> => {
  const { bsize, blocks, bavail } = await statfs(path);
  const total = blocks * bsize;
  const free = bavail * bsize;
  // Some file systems (proc, some of FUSE) have no size; they are never nearly full.
  return { total, free, percent_free: total === 0 ? 100 : (free / total) * 100 };
};
