/** WireGuard in a process of its own, for kernels without it. The process is told from others' by a mark in its environment. */
import { BorealisError } from '../protocol/errors.ts';
import { CommandError } from '../sys/command.ts';
import { must, portTaken, unless } from './commands.ts';
import type { Driver } from './driver.ts';
import { type WgSystem, waitUntil } from './system.ts';
import { GET, PORT_IN_USE, parseErrno, parseGet, renderSet } from './uapi.ts';

/** Names the interface; in the environment of the process from its first moment, and of the one it leaves behind. */
export const MARK = 'BOREALIS_WG_INTERFACE';

export const PROGRAM = 'wireguard-go';

/** Milliseconds for a process that has made its link to open its socket. */
const STARTING_MS = 2_000;
/** For one that has lost it to end by itself, and for one that was killed. It loses nothing by that but its socket. */
const ENDING_MS = 500;
const KILLED_MS = 2_000;

export const wireguardGoDriver = (system: WgSystem): Driver => ({
  name: PROGRAM,

  async find(name, link) {
    const processes = await system.processes(name);
    if (processes.length === 0) {
      if (link) return { state: 'foreign', why: 'is an interface of somebody else' };
      // All network namespaces share the folder of the sockets, unless they have a mount namespace too.
      return (await someoneAnswers(system, name))
        ? { state: 'foreign', why: 'is an interface of somebody else in another network namespace' }
        : { state: 'absent' };
    }
    if (!link) return { state: 'broken' };
    const answer = await firstAnswer(system, name);
    return answer === null ? { state: 'broken' } : { state: 'present', device: parseGet(answer) };
  },

  async create(name) {
    // Nothing but the mark and the path: LOG_LEVEL would make it hold our pipes.
    const env = { PATH: process.env.PATH, [MARK]: name };
    try {
      await must(system, PROGRAM, [name], { env });
    } catch (error) {
      throw translate(error);
    }
    return true;
  },

  async configure(name, change) {
    const answer = await system.ask(name, renderSet(change));
    const errno = answer === null ? null : parseErrno(answer);
    if (errno === 0) return;
    if (errno === PORT_IN_USE) throw portTaken({ detail: `UDP port ${change.listenPort} of ${name}.` });
    const said = errno === null ? 'ended before it had answered' : `refused a change with errno=${errno}`;
    throw new BorealisError('COMMAND_FAILED', { detail: `wireguard-go of ${name} ${said}.` });
  },

  async remove(name) {
    // With its link it loses its reason to be, ends, and takes its socket along.
    await unless(system, /Cannot find device/, 'ip', ['link', 'delete', 'dev', name]);
    const gone = async () => (await system.processes(name)).length === 0;
    if (!(await waitUntil(system, gone, ENDING_MS))) {
      for (const pid of await system.processes(name)) system.kill(pid);
      await waitUntil(system, gone, KILLED_MS);
    }
    // What was killed has left its socket. One that answers is of another network namespace, and not ours.
    if (!(await someoneAnswers(system, name))) await system.removeSocket(name);
  },
});

const someoneAnswers = async (system: WgSystem, name: string): Promise<boolean> => {
  try {
    return (await system.ask(name, GET)) !== null;
  } catch (error) {
    if (error instanceof BorealisError && error.code === 'TIMED_OUT') return true;
    throw error;
  }
};

/** Null where it gives none: it hangs, or something took its socket away. */
const firstAnswer = async (system: WgSystem, name: string): Promise<string | null> => {
  let answer: string | null = null;
  const answers = async () => {
    try {
      answer = await system.ask(name, GET);
    } catch (error) {
      if (error instanceof BorealisError && error.code === 'TIMED_OUT') return true; // it hangs: waiting is no use
      throw error;
    }
    return answer !== null;
  };
  await waitUntil(system, answers, STARTING_MS);
  return answer;
};

const translate = (error: unknown): unknown => {
  if (error instanceof BorealisError && error.code === 'PROGRAM_MISSING') {
    return new BorealisError('WIREGUARD_MISSING', { cause: error });
  }
  if (!(error instanceof CommandError)) return error;
  // What is wrong it tells on its standard output; on the other is advice in a frame.
  const said = /^ERROR: \([^)]*\) \S+ \S+ (.+)$/m.exec(error.result.stdout)?.[1];
  if (said === undefined) return error;
  const options = { detail: `wireguard-go says: ${said}.`, cause: error };
  if (/not permitted/i.test(said)) return new BorealisError('NET_ADMIN_REQUIRED', options);
  if (/permission denied/i.test(said)) {
    const next = 'Let its user read and write /dev/net/tun (mode 0666 is the usual), or run it as root.';
    return new BorealisError('NET_ADMIN_REQUIRED', { ...options, next });
  }
  return new BorealisError('COMMAND_FAILED', options);
};
