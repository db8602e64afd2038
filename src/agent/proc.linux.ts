/** Readers of /proc (proc(5)) for telemetry and inventory: a small fraction of a millisecond, no program. Pure parsers, then files. */
import { readdir, readFile, statfs } from 'node:fs/promises';

export interface CpuTimes {
  /** Ticks since boot, summed over all processors. */
  readonly total: number;
  readonly idle: number;
}

/** First line of /proc/stat. Guest time is already in user time (proc(5)), so it is left out of the sum. */
export function parseCpu(stat: string): CpuTimes {
  const ticks = /^cpu\s+([\d ]+)/.exec(stat)?.[1]?.trim().split(' ').map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = ticks;
  return { total: user + nice + system + idle + iowait + irq + softirq + steal, idle: idle + iowait };
}

/** Between two readings, 0 to 100. */
export function cpuPercent(before: CpuTimes, after: CpuTimes): number {
  const total = after.total - before.total;
  if (total <= 0) return 0;
  return Math.min(100, Math.max(0, 100 * (1 - (after.idle - before.idle) / total)));
}

export interface Traffic {
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** Their packets are counted again on the interface that carries them, or never leave the machine. */
const INNER =
  /^(lo|veth|docker|br-|virbr|vnet|tap|tun|wg|borealis|cni|flannel|cali|dummy|ifb|bond\d+\.|sit|ip6tnl)/;

/** /proc/net/dev, summed over the interfaces that reach out. */
export function parseTraffic(dev: string): Traffic {
  let rxBytes = 0;
  let txBytes = 0;
  for (const line of dev.split('\n')) {
    const [, name = '', numbers = ''] = /^\s*([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    if (!name || INNER.test(name)) continue;
    const counters = numbers.trim().split(/\s+/).map(Number);
    rxBytes += counters[0] ?? 0;
    txBytes += counters[8] ?? 0;
  }
  return { rxBytes, txBytes };
}

export interface Mount {
  readonly device: string;
  readonly mount: string;
  readonly type: string;
}

/** File systems on disks of this machine. Those of the network are left out: asking one whose server is gone hangs. */
const LOCAL = new Set([
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'zfs',
  'f2fs',
  'bcachefs',
  'jfs',
  'vfat',
  'exfat',
  'ntfs3',
]);

/** /proc/self/mountinfo: each local file system once, at the first place where it is mounted; and `/` whatever it is. */
export function parseMounts(mountinfo: string): Mount[] {
  const seen = new Set<string>();
  const mounts: Mount[] = [];
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , numbers = '', , mount = ''] = before.split(' ');
    const [type = '', device = ''] = after.split(' ');
    if (!(LOCAL.has(type) || mount === '/') || seen.has(numbers)) continue;
    seen.add(numbers);
    mounts.push({ device: unescapeOctal(device), mount: unescapeOctal(mount), type });
  }
  return mounts;
}

/** Blanks and the like stand as \040 there (proc(5)). */
const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

export interface DiskUse extends Mount {
  readonly totalBytes: number;
  readonly usedBytes: number;
  /** For those who are not root. */
  readonly freeBytes: number;
}

export async function diskUse(mounts: readonly Mount[]): Promise<DiskUse[]> {
  const used = await Promise.all(
    mounts.map(async (mount) => {
      try {
        const { blocks, bfree, bavail, bsize } = await statfs(mount.mount);
        const totalBytes = blocks * bsize;
        return { ...mount, totalBytes, usedBytes: totalBytes - bfree * bsize, freeBytes: bavail * bsize };
      } catch {
        return undefined; // unmounted since, or out of our sight: it has no size to tell
      }
    }),
  );
  return used.filter((disk) => disk !== undefined && disk.totalBytes > 0) as DiskUse[];
}

export const readCpu = async (): Promise<CpuTimes> => parseCpu(await readFile('/proc/stat', 'latin1'));
export const readTraffic = async (): Promise<Traffic> =>
  parseTraffic(await readFile('/proc/net/dev', 'latin1'));
export const readMounts = async (): Promise<Mount[]> =>
  parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
export const countProcesses = async (): Promise<number> =>
  (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).length;
