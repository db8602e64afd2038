/** The machine itself, as Linux has it. */
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BorealisError } from '../protocol/errors.ts';
import { type CommandRunner, runCommand } from '../sys/command.ts';
import { portHolder } from '../sys/ports.ts';
import type { WgSystem } from './system.ts';
import { MARK, PROGRAM } from './wireguard-go.linux.ts';

/** Where wireguard-go has its sockets; compiled into it. */
const SOCKETS = '/var/run/wireguard';
const ANSWER_MS = 5_000;

export const linuxSystem = (run: CommandRunner = runCommand): WgSystem => ({
  run,
  ask: (name, request) => askSocket(socketPath(name), request),
  processes: markedProcesses,
  kill: (pid) => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: it has ended by itself
    }
  },
  removeSocket: (name) => rm(socketPath(name), { force: true }),
  udpPortHolder: (port) => portHolder(port, 'udp'),
  now: () => performance.now(),
  sleep: (ms) => sleep(ms),
});

export const socketPath = (name: string): string => `${SOCKETS}/${name}.sock`;

const askSocket = (path: string, request: string): Promise<string | null> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let tail = '';
    const socket = connect(path);
    const timer = setTimeout(() => {
      reject(new BorealisError('TIMED_OUT', { detail: `wireguard-go does not answer at ${path}.` }));
      socket.destroy();
    }, ANSWER_MS);
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

/** One that goes into the background leaves its first process for a second: a listing may have the one, and miss the other. */
const LISTINGS_MAX = 3;

const markedProcesses = async (name: string): Promise<number[]> => {
  for (let listing = 1; ; listing += 1) {
    const { found, vanished } = await listMarked(name);
    if (found.length > 0 || !vanished || listing === LISTINGS_MAX) return found;
  }
};

/** environ(7) is the process's own word; others' than our user's and root's cannot be read, and so are none of ours. */
const listMarked = async (name: string): Promise<{ found: number[]; vanished: boolean }> => {
  const here = await readlink('/proc/self/ns/net');
  const found: number[] = [];
  let vanished = false;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if ((await readFile(`/proc/${entry}/comm`, 'utf8')).trimEnd() !== PROGRAM) continue;
      const environment = (await readFile(`/proc/${entry}/environ`, 'latin1')).split('\0');
      if (!environment.includes(`${MARK}=${name}`)) continue;
      if ((await readlink(`/proc/${entry}/ns/net`)) === here) found.push(Number(entry));
    } catch (error) {
      // It ended while we looked, or is not ours to look at.
      vanished ||= ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');
    }
  }
  return { found, vanished };
};
