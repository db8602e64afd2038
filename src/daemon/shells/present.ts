/** A shell that runs, as operators see it. */
import type { Shell, ShellViewer } from '../../protocol/shell.ts';
import type { Size } from './audience.ts';

export interface ShellFacts {
  readonly id: string;
  readonly guid: string;
  /** Name of the device. */
  device: string;
  /** The account on the device. */
  account: string;
  readonly startedBy: string;
  readonly startedAt: number;
  readonly recorded: boolean;
  readonly recordInput: boolean;
}

export interface Seen {
  readonly reachable: boolean;
  readonly title: string | null;
  readonly size: Size;
  readonly viewers: ShellViewer[];
}

export const presentRunning = (
  { id, device, guid, account, startedBy, startedAt, recorded }: ShellFacts,
  { reachable, title, size, viewers }: Seen,
): Shell => ({
  id,
  device,
  guid,
  user: account,
  started_by: startedBy,
  started_at: new Date(startedAt).toISOString(),
  ended_at: null,
  state: reachable ? 'running' : 'unreachable',
  exit_code: null,
  title,
  cols: size.cols,
  rows: size.rows,
  viewers,
  recorded,
});
