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

/** `name`: told instead of the machine's own. */
export const machineFacts = (name: string = hostname()): MachineFacts => ({
  // The protocol takes no control characters and no empty name; a host without a name is still a host.
  hostname: name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').slice(0, 253) || 'unnamed',
  os: process.platform,
  arch: process.arch,
  agent_version: AGENT_VERSION,
});
