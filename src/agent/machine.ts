/** What the agent says of its machine when it enrols and connects. */
import { hostname } from 'node:os';
import { VERSION } from '../protocol/version.ts';

export const AGENT_VERSION: string = VERSION;

export interface MachineFacts {
  readonly hostname: string;
  readonly os: string;
  readonly arch: string;
  readonly agent_version: string;
}

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** `name`: told instead of the machine's own. */
export const machineFacts = (name: string = hostname()): MachineFacts => ({
  // The protocol takes nothing that controls a terminal or shows nothing on it, and no empty name.
  hostname: name.replace(UNSEEN, '').slice(0, 253) || 'unnamed',
  os: process.platform,
  arch: process.arch,
  agent_version: AGENT_VERSION,
});
