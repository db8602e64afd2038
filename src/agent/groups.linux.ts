/**
 * The process groups that run for commands, one small file each, so that an agent that was killed finds on its next
 * start what it left running, and ends it: the time limit of a command must not end with the agent.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentLog } from './log.ts';

export interface GroupRegister {
  add(pid: number): void;
  remove(pid: number): void;
}

export class GroupFiles implements GroupRegister {
  readonly #directory: string;
  readonly #log: AgentLog;

  /** `directory` is private to the agent. */
  constructor(directory: string, log: AgentLog) {
    this.#directory = directory;
    this.#log = log;
  }

  add(pid: number): void {
    try {
      writeFileSync(join(this.#directory, String(pid)), `${bootId()} ${startTime(pid) ?? '-'}`, {
        mode: 0o600,
      });
    } catch (error) {
      // The command runs all the same: this is for the case of a second failure.
      this.#log.warn({ err: error }, 'a process group could not be noted');
    }
  }

  remove(pid: number): void {
    rmSync(join(this.#directory, String(pid)), { force: true });
  }

  /** Ends what an earlier process left running. A group id that has since been given to others is left alone. */
  endLeftOver(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#directory)) {
      const pid = Number(name);
      const [boot, started] = readFileSync(join(this.#directory, name), 'latin1').split(' ');
      const now = startTime(pid);
      // While a group has members the kernel gives its number to no new process: a leader with another start time is
      // a stranger, a missing leader is not.
      const ours =
        Number.isSafeInteger(pid) && pid > 1 && boot === bootId() && (now === null || now === started);
      if (ours && killGroup(pid))
        this.#log.warn({ pid }, 'ended a process group that the last agent left running');
      rmSync(join(this.#directory, name), { force: true });
    }
  }
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();

/** Ticks since boot at which the process began: field 22 of proc_pid_stat(5). Null where there is none. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold anything; what follows the last one is numbers.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null; // gone
  }
}

function killGroup(pid: number): boolean {
  try {
    process.kill(-pid, 'SIGKILL');
    return true;
  } catch {
    return false; // ESRCH: it ended by itself; EPERM: it became another user's
  }
}
