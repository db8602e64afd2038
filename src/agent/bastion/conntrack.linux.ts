/**
 * Connections that come back to a machine that had them before: its connection tracking knows TCP as it was then, and would
 * take what is outside of the windows of then for invalid. As long as a pair's service is here it does not
 * (nf_conntrack_tcp_be_liberal: netfilter's nf_conntrack-sysctl); resets are checked all the same.
 */
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { writeFileDurably } from '../../sys/files.ts';

const SWITCH = '/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal';

export interface Leniency {
  /** To be called once connection tracking is there: it has no switch before. */
  demand(): Promise<void>;
  /** As it was before. */
  release(): Promise<void>;
}

/** `file`: says that it was turned on here, for an agent after one that was killed. */
export const conntrackLeniency = (file: string): Leniency => ({
  async demand() {
    const now = await readFile(SWITCH, 'utf8').catch(() => '1'); // without connection tracking nothing is invalid
    if (now.trim() !== '0') return;
    await writeFileDurably(file, '0\n', { mode: 0o600 });
    await writeFile(SWITCH, '1\n');
  },
  async release() {
    if (!existsSync(file)) return;
    await writeFile(SWITCH, '0\n');
    await rm(file);
  },
});
