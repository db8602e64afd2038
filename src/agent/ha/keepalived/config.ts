/** keepalived.conf(5) of one pair, and where its files are. Pure. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BorealisError } from '../../../protocol/errors.ts';

export interface KeepalivedFiles {
  readonly directory: string;
  readonly config: string;
  /** keepalived writes there what becomes of it. */
  readonly fifo: string;
  /** A number that is added to the priority: MAY or MAY_NOT. */
  readonly may: string;
  /** Empty. The agent puts it there again and again, and keepalived takes it away: in memory, for disks can be slow. */
  readonly alive: string;
  readonly pid: string;
  readonly vrrpPid: string;
}

/** Where files are in memory, tmpfs(5). */
const RUN = '/run';
/** Of a path. */
const nameOf = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 16);

export const filesIn = (directory: string): KeepalivedFiles => ({
  directory,
  config: join(directory, 'keepalived.conf'),
  fifo: join(directory, 'notify'),
  may: join(directory, 'may'),
  alive: join(RUN, `borealis-ha-${nameOf(directory)}`),
  pid: join(directory, 'keepalived.pid'),
  vrrpPid: join(directory, 'vrrp.pid'),
});

export const MAY = '0\n';
/** The value that means FAULT (keepalived.conf(5), track_file): a master says so with priority 0 and is none any more. */
export const MAY_NOT = '-254\n';

/**
 * Who is told that the master leaves waits (256 - priority) / 256 s (RFC 3768 §6.1), so both are high; far enough apart
 * that the preferred one is first by its own timer.
 */
const PRIORITY = { preferred: 250, other: 240 } as const;

export interface KeepalivedWanted {
  /** `192.0.2.10`. */
  readonly address: string;
  readonly interfaceName: string;
  readonly routerId: number;
  readonly preferred: boolean;
}

/** Words of the file end at blanks, and are comments after `#` and `!`; it has no way to quote that is the same everywhere. */
const WORD = /^[\w./:@+,-]+$/;

/**
 * By multicast, as VRRP is by itself: who speaks to one peer does not hear who speaks to all, so a pair of which one
 * node learns earlier than the other where that is would have two masters meanwhile.
 *
 * An agent that is stopped, or hangs, does not end, and keepalived would have the address for it for ever, with clients that
 * nobody follows. So each second it takes away a file that the agent makes anew more often; who finds none three times, as
 * VRRP counts adverts, is in FAULT, and the other node has the address at once. No clock is asked: those of files jump.
 *
 * Errors: INVALID_INPUT.
 */
export const keepalivedConfig = (wanted: KeepalivedWanted, files: KeepalivedFiles): string => {
  const { address, interfaceName, routerId, preferred } = wanted;
  for (const word of [address, interfaceName, files.directory])
    if (!WORD.test(word))
      throw new BorealisError('INVALID_INPUT', { detail: `keepalived cannot be told of ${word}.` });
  return `# Written by borealis-agent; changed again when the service changes.
global_defs {
  router_id borealis
  script_user root
  enable_script_security
  vrrp_notify_fifo ${files.fifo}
}
vrrp_script alive {
  script "/bin/rm ${files.alive}"
  interval 1
  timeout 3
  fall 3
  rise 1
}
track_file may {
  file ${files.may}
  weight 1
}
vrrp_instance floating {
  state BACKUP
  nopreempt
  interface ${interfaceName}
  virtual_router_id ${routerId}
  priority ${preferred ? PRIORITY.preferred : PRIORITY.other}
  advert_int 1
  track_script {
    alive
  }
  track_file {
    may
  }
  virtual_ipaddress {
    ${address}/${prefixLength(address)} dev ${interfaceName}
  }
}
`;
};

const prefixLength = (address: string): number => (address.includes(':') ? 128 : 32);

/** Of a file that was written by `keepalivedConfig`; null where it is something else. */
export const addressIn = (config: string): { address: string; interfaceName: string } | null => {
  const [, address, interfaceName] = /^ {4}(\S+)\/\d+ dev (\S+)$/m.exec(config) ?? [];
  return address && interfaceName ? { address, interfaceName } : null;
};

export type VrrpState = 'MASTER' | 'BACKUP' | 'FAULT' | 'STOP';

/** A line of the FIFO: `INSTANCE "floating" MASTER 250`. Null where it is of something else. */
export const stateIn = (line: string): VrrpState | null => {
  const [, state] = /^INSTANCE "floating" (MASTER|BACKUP|FAULT|STOP) \d+$/.exec(line) ?? [];
  return (state as VrrpState | undefined) ?? null;
};
