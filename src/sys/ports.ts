/** Which process holds a port of this machine, from proc(5). */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { processCommand } from './processes.ts';

export interface PortHolder {
  /** Null where the port is held by a process that may not be looked at: another user's, when not run as root. */
  readonly pid: number | null;
  readonly command: string | null;
}

/** States of the kernel's tables in which a socket keeps others from the port: TCP_LISTEN; unconnected UDP. */
const HOLDING = { tcp: '0A', udp: '07' } as const;

/** Null where nobody listens there, on whatever address. Looks at the network namespace of the caller. */
export const portHolder = async (port: number, protocol: 'tcp' | 'udp'): Promise<PortHolder | null> => {
  const tables = await Promise.all(
    [protocol, `${protocol}6`].map(
      (table) => readFile(`/proc/net/${table}`, 'utf8').catch(() => ''), // a kernel without IPv6 has no second table
    ),
  );
  const inodes = tables.flatMap((table) => parseSocketTable(table, port, HOLDING[protocol]));
  if (inodes.length === 0) return null;
  const pid = await processWithSocket(new Set(inodes.map((inode) => `socket:[${inode}]`)));
  return { pid, command: pid === null ? null : processCommand(pid) };
};

/** Inodes of the sockets with that local port and state, from a table as in /proc/net/tcp. */
export const parseSocketTable = (table: string, port: number, state: string): string[] => {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.split(':')[1] === wanted && fields[3] === state)
    .map((fields) => fields[9])
    .filter((inode) => inode !== undefined);
};

const processWithSocket = async (links: ReadonlySet<string>): Promise<number | null> => {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const directory = `/proc/${name}/fd`;
    // Processes end while we look, and others' are closed to us: neither is the one we can name.
    const descriptors = await readdir(directory).catch(() => []);
    for (const descriptor of descriptors) {
      const link = await readlink(`${directory}/${descriptor}`).catch(() => '');
      if (links.has(link)) return Number(name);
    }
  }
  return null;
};
