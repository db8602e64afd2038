/** Bytes of an agent become a frame here, or the reason why not. Everything behind this door is parsed. */
import type { z } from 'zod';
import { type FromAgent, fromAgent } from '../../protocol/frame.ts';

export type ReadFrame =
  | { readonly frame: FromAgent; readonly problem?: never }
  /** A few words for the log and the close reason; quotes nothing that the agent said but names of known fields. */
  | { readonly problem: string; readonly frame?: never };

/** Two thirds of all frames, as our agents write them. */
const PING = /^\{"type":"PING","t":(\d{1,15})\}$/;

export const readFrame = (text: string): ReadFrame => {
  const ping = PING.exec(text);
  if (ping) return { frame: { type: 'PING', t: Number(ping[1]) } };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'not JSON' };
  }
  try {
    const parsed = fromAgent.safeParse(value);
    return parsed.success ? { frame: parsed.data } : { problem: describe(parsed.error) };
  } catch (error) {
    // Nested deeper than the stack: the parser's own recursion gave up.
    if (error instanceof RangeError) return { problem: 'nested too deeply' };
    throw error;
  }
};

const describe = ({ issues }: z.ZodError): string => {
  const issue = issues[0];
  if (!issue) return 'not a frame';
  if (issue.code === 'unrecognized_keys') return `unknown key in ${where(issue.path)}`;
  if (issue.path.length === 0 || issue.path[0] === 'type') return 'not a frame of this protocol';
  return `${where(issue.path)} is not valid`;
};

const where = (path: readonly PropertyKey[]): string =>
  path.length === 0 ? 'the frame' : path.map(String).join('.').slice(0, 60);
