/**
 * Ends a process group with this process, however that ends, by SIGKILL too: a shell waits at a pipe whose other end only we
 * have. PR_SET_PDEATHSIG would reach the first process of the group alone, and not what that has started.
 */
import { spawn } from 'node:child_process';

/** Its own words are `over`; an end without them is our death. In a group of its own, so that it outlives us. */
const WAITS = `read -r word; [ "$word" = over ] && exit; kill -s TERM -- "-$1"; sleep 1; kill -s KILL -- "-$1"`;

export interface Tether {
  /** The group has ended by itself. */
  release(): void;
}

/** `group`: the id of a process group that is not ours. Errors are told to `failed`: it is not tethered then. */
export const tether = (group: number, failed: (error: Error) => void): Tether => {
  const child = spawn('/bin/sh', ['-c', WAITS, 'sh', String(group)], {
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.once('error', failed);
  child.stdin.on('error', () => undefined); // EPIPE: somebody has ended it
  return { release: () => void child.stdin.end('over\n') };
};
