/** What /proc says of a process: proc(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Of memory, what is in RAM; bytes. */
export const residentBytes = (pid: number): number => {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`process ${pid} has no memory`);
  return Number(kibibytes) * 1024;
};

export const openDescriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** Inodes of the process's own sockets that others could connect or send to: listening TCP and Unix ones, any UDP. */
export const listeningSockets = (pid: number): string[] => {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed between the two looks
      }
    }),
  );
  const rows = (table: string): string[][] =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.trim().split(/\s+/));
  // State 0A is LISTEN.
  const tcp = [...rows('tcp'), ...rows('tcp6')].filter((row) => row[3] === '0A').map((row) => row[9] ?? '');
  const udp = [...rows('udp'), ...rows('udp6')].map((row) => row[9] ?? '');
  // Flags 00010000 are __SO_ACCEPTCON.
  const unix = rows('unix')
    .filter((row) => row[3] === '00010000')
    .map((row) => row[6] ?? '');
  return [...tcp, ...udp, ...unix].filter((inode) => own.has(inode));
};

/** The process that has this one as its parent; undefined where none has. */
export const onlyChild = (parent: number): number | undefined =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .find((pid) => {
      try {
        // The name before it, in parentheses, may hold anything.
        const [, ppid] = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        return Number(ppid) === parent;
      } catch {
        return false; // it has ended
      }
    });
