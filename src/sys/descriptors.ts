/** How many files and connections this process may have open. */
import { readFileSync } from 'node:fs';

/** The soft limit, which Node raises to the hard one when it starts (proc_pid_limits(5)); null where there is none or nothing tells. */
export const descriptorLimit = (): number | null => {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return found ? Number(found[1]) : null;
  } catch {
    return null; // no /proc
  }
};
