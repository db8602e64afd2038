/** The operands of `cp`: which are here, which on a device, and which way that makes it go. */
import { BorealisError } from '../../../protocol/errors.ts';

export interface Remote {
  readonly device: string;
  /** `.` where none was named: the home of the agent's user. */
  readonly path: string;
}

export type CopyPlan =
  | { readonly direction: 'to_device'; readonly sources: readonly string[]; readonly to: Remote }
  | { readonly direction: 'from_device'; readonly sources: readonly Remote[]; readonly to: string };

/** `web-1:/srv` is on a device, `./a:b` and `/a:b` are here; on Windows so is `C:\a`. */
const readRemote = (operand: string): Remote | undefined => {
  const [, device, path] = /^([^/\\:]+):(.*)$/s.exec(operand) ?? [];
  if (device === undefined || path === undefined) return undefined;
  if (process.platform === 'win32' && device.length === 1) return undefined;
  return { device, path: path === '' ? '.' : path };
};

/** Errors: USAGE. */
export const planCopy = (operands: readonly string[]): CopyPlan => {
  const last = operands.at(-1);
  const first = operands.slice(0, -1);
  if (last === undefined || first.length === 0)
    throw usage('What to copy and where to are both needed.', EXAMPLE);
  if (operands.includes(''))
    throw usage('One of the paths is empty.', 'For the folder that you are in write: .');
  if (first.length > SOURCES_MOST)
    throw usage(`These are more than ${SOURCES_MOST} sources.`, 'Copy the directory that they are in.');
  const to = readRemote(last);
  const remote = first.map(readRemote).filter((one) => one !== undefined);
  if (to && remote.length === 0) return { direction: 'to_device', sources: first, to };
  if (to)
    throw usage('Both ends are on devices.', 'Copy it to this machine first, then to the other device.');
  if (remote.length === 0) throw usage('None of these is on a device.', EXAMPLE);
  if (remote.length < first.length)
    throw usage(
      'Some of the sources are on a device and some are here.',
      'Copy them with two commands. A local name with a colon in it is written ./like:this.',
    );
  return { direction: 'from_device', sources: remote, to: last };
};

/** Their names are told in one frame. */
const SOURCES_MOST = 1_000;
const EXAMPLE = 'Write it like: borealisctl cp notes.txt web-1:/tmp, or: borealisctl cp web-1:/etc/hosts .';

const usage = (detail: string, next: string): BorealisError => new BorealisError('USAGE', { detail, next });
