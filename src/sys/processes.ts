/** Processes of this machine by number, through kill(2) and /proc. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** Does a process of that number exist? One that has ended and was not waited for yet counts. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/**
 * What runs there, for people: the process's own name, as `ps -o comm` shows it, or `node borealisd.cjs` where that is
 * only the interpreter's. Never its arguments, which may be private. Null where there is no such process.
 */
export const processCommand = (pid: number): string | null => {
  const name = read(pid, 'comm')?.trimEnd();
  if (name === undefined) return null;
  if (!INTERPRETERS.test(name)) return name;
  const [program = '', ...words] = read(pid, 'cmdline')?.split('\0') ?? [];
  // `--flag=value` belongs to the interpreter; what follows `--flag` may be anything.
  const script = words.find((word) => !/^--[\w-]+=/.test(word)) ?? '';
  if (program === '') return name;
  return script === '' || script.startsWith('-')
    ? basename(program)
    : `${basename(program)} ${basename(script)}`;
};

/** Node names its main thread MainThread. */
const INTERPRETERS = /^(node|MainThread|python[\d.]*|perl|ruby|sh|bash|dash)$/;

const read = (pid: number, file: string): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined; // ended, hidden (hidepid), or no /proc
  }
};

/**
 * Does the process group have a member that still runs? A zombie does not: it has ended, and where no init process
 * collects orphans, as in many containers, it stays until the machine goes down.
 */
export const groupRuns = (group: number): boolean => {
  const names = listProcesses();
  return names === null || names.some((pid) => isRunningMember(pid, group));
};

const isRunningMember = (pid: number, group: number): boolean => {
  const [state, , processGroup] = statFields(pid);
  return Number(processGroup) === group && state !== 'Z' && state !== 'X';
};

/** proc_pid_stat(5) from the state on: the name in parentheses may hold anything, so fields are counted from its end. */
const statFields = (pid: number): string[] =>
  read(pid, 'stat')
    ?.replace(/^.*\) /s, '')
    .split(' ') ?? [];

/** Numbers of all visible processes; null where there is no /proc. */
const listProcesses = (): number[] | null => {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return null; // not Linux
  }
};

/** The processes of a session (setsid(2)) that still run. */
export const sessionMembers = (session: number): number[] =>
  (listProcesses() ?? []).filter((pid) => {
    const [state, , , ofSession] = statFields(pid);
    return Number(ofSession) === session && state !== 'Z' && state !== 'X';
  });
