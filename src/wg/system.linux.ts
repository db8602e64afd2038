/** The machine itself, as Linux has it. */
import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { BorealisError } from '../protocol/errors.ts';
import { type CommandRunner, runCommand } from '../sys/command.ts';
import { NFPROTO, NftSocket } from '../sys/nftables.linux.ts';
import { type PortHolder, parseSocketTable, portHolder } from '../sys/ports.ts';
import { translated } from '../sys/socket.linux.ts';
import { elementOrders } from './elements.ts';
import { patiently } from './patience.ts';
import type { WgSystem } from './system.ts';
import { checkName } from './wanted.ts';
import { MARK, PROGRAM } from './wireguard-go.linux.ts';

/** Where wireguard-go has its sockets; compiled into it. */
const SOCKETS = '/var/run/wireguard';

/** `table`: of nftables, of the form of an interface's name. */
export const linuxSystem = (table: string, run: CommandRunner = runCommand): WgSystem => ({
  run,
  table: checkName(table),
  ask: patiently(
    (name, request, limit) => askSocket(socketPath(name), request, limit),
    () => performance.now(),
  ),
  processes: processFinder(),
  kill: (pid) => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: it has ended by itself
    }
  },
  // Of our own network namespace, whoever mounted /sys: proc_pid_net(5).
  hasLink: async (name) =>
    (await readFile('/proc/self/net/dev', 'utf8'))
      .split('\n')
      .some((line) => line.trim().startsWith(`${name}:`)),
  hasTable: async () => inTables((socket) => socket.has({ family: NFPROTO.inet, name: table })),
  changeElements: async (changes) => {
    const orders = changes.flatMap((change) => elementOrders({ family: NFPROTO.inet, name: table }, change));
    if (orders.length > 0) inTables((socket) => socket.commit(orders));
  },
  removeSocket: (name) => rm(socketPath(name), { force: true }),
  udpPortHolder,
  now: () => performance.now(),
  sleep: (ms) => sleep(ms),
});

const inTables = <T>(work: (socket: NftSocket) => T): T => {
  const socket = new NftSocket();
  try {
    return work(socket);
  } catch (error) {
    throw translated(error, 'The tables of nftables cannot be looked at, or changed');
  } finally {
    socket.close();
  }
};

export const socketPath = (name: string): string => `${SOCKETS}/${name}.sock`;

const askSocket = (path: string, request: string, limit: number): Promise<string | null> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let tail = '';
    const socket = connect(path);
    const timer = setTimeout(() => {
      reject(new BorealisError('TIMED_OUT', { detail: `wireguard-go does not answer at ${path}.` }));
      socket.destroy();
    }, limit);
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      tail = (tail + chunk.toString('latin1')).slice(-32);
      // The connection would stay open for the next request.
      if (!/(^|\n)errno=-?\d+\n\n$/.test(tail)) return;
      resolve(Buffer.concat(chunks).toString());
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (NOBODY.has(error.code ?? '')) resolve(null);
      else if (error.code === 'EACCES') reject(new BorealisError('NET_ADMIN_REQUIRED', { cause: error }));
      else reject(error);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(null); // it ended in the middle of its answer
    });
  });

const NOBODY = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTDIR']);

const udpPortHolder = async (port: number, likely: readonly number[]): Promise<PortHolder | null> => {
  const tables = await Promise.all(
    ['udp', 'udp6'].map((table) => readFile(`/proc/net/${table}`, 'utf8').catch(() => '')), // without IPv6, one
  );
  const inodes = tables.flatMap((table) => parseSocketTable(table, port, UNCONNECTED));
  if (inodes.length === 0) return null;
  for (const pid of likely) {
    const directory = `/proc/${pid}/fd`;
    for (const descriptor of await readdir(directory).catch(() => [])) {
      const link = await readlink(`${directory}/${descriptor}`).catch(() => ''); // closed by now
      if (inodes.some((inode) => link === `socket:[${inode}]`)) return { pid, command: PROGRAM };
    }
  }
  return portHolder(port, 'udp');
};

/** As the kernel's tables write it. */
const UNCONNECTED = '07';

/** One that goes into the background leaves its first process for a second: a listing may have the one, and miss the other. */
const LISTINGS_MAX = 3;

/** Remembers what it found: most of the time the same processes are there, and nothing else needs a look. */
const processFinder = (): WgSystem['processes'] => {
  const known = new Map<string, readonly number[]>();
  return async (name) => {
    const before = known.get(name) ?? [];
    if (before.length > 0 && before.every((pid) => isMarked(pid, name) === 'ours')) return before;
    const found = await findMarked(name);
    known.set(name, found);
    return found;
  };
};

/** Microseconds each. */
const AT_ONCE = 256;

const findMarked = async (name: string): Promise<number[]> => {
  for (let listing = 1; ; listing += 1) {
    const found: number[] = [];
    let vanished = false;
    const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
    for (const [index, pid] of pids.entries()) {
      // What else there is to do is done between so many.
      if (index % AT_ONCE === AT_ONCE - 1) await setImmediate();
      const answer = isMarked(pid, name);
      if (answer === 'ours') found.push(pid);
      vanished ||= answer === 'gone';
    }
    if (found.length > 0 || !vanished || listing === LISTINGS_MAX) return found;
  }
};

/**
 * environ(7) is the process's own word; others' than our user's and root's cannot be read, and so are none of ours. Without
 * waiting: the kernel has it all in memory, and a thread to wait on takes ten times as long.
 */
const isMarked = (pid: number, name: string): 'ours' | 'other' | 'gone' => {
  try {
    if (readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd() !== PROGRAM) return 'other';
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    if (!environment.includes(`${MARK}=${name}`)) return 'other';
    return readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net') ? 'ours' : 'other';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    return ['ENOENT', 'ESRCH'].includes(code) ? 'gone' : 'other';
  }
};
