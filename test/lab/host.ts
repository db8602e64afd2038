/**
 * A machine of the lab: namespaces of its own for network, mounts, processes and its name, namespaces(7). They have no
 * name outside, so they collide with nobody's. One process holds them; it ends when its standard input closes, however
 * that comes about, and with it, by the kernel's hand, everything that was started in there.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { command, commandInside, type Inside } from './inside.ts';

/**
 * /run is the host's own: the sockets of wireguard-go lie there, which would keep two hosts from having an interface of
 * the same name. /sys shows the interfaces of the namespace in which it was mounted. Whether packets of IPv4 are passed on
 * is taken over from the caller's machine (net.core.devconf_inherit_init_net), which may be anything. Who ignores SIGCHLD is parent of
 * orphans without having to wait for them.
 */
const HOLD = `trap '' CHLD
  mount -t tmpfs -o mode=0755 tmpfs /run && mkdir /run/wireguard &&
  mount -t sysfs sysfs /sys &&
  echo 0 >/proc/sys/net/ipv4/ip_forward &&
  echo "$1" >/proc/sys/kernel/hostname && ip link set lo up && echo ready && exec cat >/dev/null`;

const NAMESPACES = ['--net', '--mount', '--pid', '--uts', '--ipc'];

export class Host implements Inside {
  readonly name: string;
  readonly #holder: ChildProcessWithoutNullStreams;

  private constructor(name: string, holder: ChildProcessWithoutNullStreams) {
    this.name = name;
    this.#holder = holder;
  }

  static async start(name: string): Promise<Host> {
    const options = ['--fork', '--kill-child=SIGKILL', '--propagation', 'private', '--mount-proc'];
    const holder = spawn('unshare', [...NAMESPACES, ...options, 'sh', '-c', HOLD, 'hold', name]);
    let errors = '';
    holder.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    holder.stdin.on('error', () => undefined); // it has ended already, as was wanted
    const ready = once(holder.stdout, 'data').then(() => true);
    const ended = once(holder, 'close').then(() => false);
    if (!(await Promise.race([ready, ended]))) throw new Error(`the host ${name} did not start: ${errors}`);
    return new Host(name, holder);
  }

  /** As the caller's process namespace numbers it. Its network namespace is the host's. */
  get holder(): number {
    return this.#holder.pid!;
  }

  argv(file: string, ...args: string[]): [string, ...string[]] {
    return [...this.enter, file, ...args];
  }

  /** To be put before a command line. The program there is its child, and ends as it does. */
  get enter(): [string, ...string[]] {
    const of = (kind: string): string => `/proc/${this.holder}/ns/${kind}`;
    const namespaces = [
      `--net=${of('net')}`,
      `--mount=${of('mnt')}`,
      `--uts=${of('uts')}`,
      `--ipc=${of('ipc')}`,
    ];
    return ['nsenter', ...namespaces, `--pid=${of('pid_for_children')}`, '--'];
  }

  /** Runs a command in it to its end; what it wrote. Throws where it ends with anything but 0. */
  run(file: string, ...args: string[]): string {
    return this.feed('', file, ...args);
  }

  feed(input: string, file: string, ...args: string[]): string {
    return commandInside(this, file, args, input);
  }

  /** In its network, but with the files and the process numbers of the caller. */
  runInNetwork(file: string, ...args: string[]): string {
    return command('nsenter', [`--net=/proc/${this.holder}/ns/net`, '--', file, ...args]);
  }

  /** Lines for ip(8). */
  ip(...lines: string[]): void {
    this.feed(`${lines.join('\n')}\n`, 'ip', '-batch', '-');
  }

  nft(...lines: string[]): void {
    this.feed(`${lines.join('\n')}\n`, 'nft', '-f', '-');
  }

  /** Stops all that runs there, as where a machine hangs; its kernel goes on answering for it. */
  freeze(): void {
    // kill(2): all but the first process there and the one that says so.
    this.run('sh', '-c', 'kill -STOP -1');
    this.#frozen = true;
  }

  thaw(): void {
    this.run('sh', '-c', 'kill -CONT -1');
    // nsenter(1), outside, has stopped as its child did: it could neither go on nor see that it ended.
    for (const pid of this.#entered()) {
      try {
        process.kill(pid, 'SIGCONT');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended in this moment
      }
    }
    this.#frozen = false;
  }
  #frozen = false;

  /** Who, outside, has its children in there. */
  #entered(): number[] {
    const of = (pid: string): string | undefined => {
      try {
        return readlinkSync(`/proc/${pid}/ns/pid_for_children`);
      } catch {
        return undefined; // it has ended
      }
    };
    const wanted = of(String(this.holder));
    const all = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
    return all.filter((pid) => of(pid) === wanted).map(Number);
  }

  /** Resolves when nothing of it runs any more. */
  async end(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    if (this.#frozen) this.thaw();
    const ended = once(this.#holder, 'close');
    this.#holder.stdin.end();
    await ended;
  }
}
