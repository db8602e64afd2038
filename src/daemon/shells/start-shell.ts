/** From the wish for a shell to one that runs. Killed at any step, the engine finds what it began when it starts again. */
import type { ParsedInputOf } from '../../protocol/operations.ts';
import type { Shell } from '../../protocol/shell.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Call } from '../capability.ts';
import type { DeviceRow } from '../devices/resolve.ts';
import type { EventLog } from '../events/log.ts';
import type { Recordings } from '../recordings/recordings.ts';
import type { Tunnels } from '../tunnels/tunnels.ts';
import type { Known, KnownShells } from './known-shells.ts';
import type { ShellFacts } from './present.ts';
import { asEnded, deleteShell, insertShell, newShellId, shellRuns } from './rows.ts';
import { RunningShell, type ShellParts } from './running-shell.ts';
import { tellShell } from './shell-events.ts';

export interface StartParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly tunnels: Tunnels;
  readonly recordings: Recordings;
  /** Whether a shell that is started now is recorded. */
  readonly recordShells: () => boolean;
  readonly known: KnownShells;
  readonly shellParts: ShellParts;
}

export interface Wish {
  readonly device: DeviceRow;
  readonly input: ParsedInputOf<'shell.create'>;
  readonly call: Call;
}

/** Errors: those of Tunnels.open; DISK_FULL, RECORDING_FAILED; what the agent refuses. */
export const startShell = async (wish: Wish, parts: StartParts): Promise<Shell> => {
  const { store, known: all, shellParts } = parts;
  const { input } = wish;
  const facts = factsOf(wish, parts);
  const size = { cols: input.cols, rows: input.rows };
  const shell = new RunningShell(facts, size, shellParts);
  // In the store before anything runs: should the engine be killed now, the next one finds what it began.
  await store.write((tx) => insertShell(tx, rowOf(facts, size)));
  const known: Known = { shell, ready: Promise.resolve(), starting: true, creating: true };
  all.add(known);
  try {
    await begin(shell, wish, parts);
    known.creating = false;
    await putOnRecord(shell, wish, parts);
  } catch (error) {
    await undo(shell, parts);
    throw error;
  }
  known.starting = false;
  return known.end ? asEnded(shell.present(), known.end) : shell.present();
};

const factsOf = ({ device, input, call }: Wish, { clock, recordShells }: StartParts): ShellFacts => ({
  id: newShellId(),
  guid: device.guid,
  device: device.name,
  account: input.user ?? '',
  startedBy: call.caller.user,
  startedAt: clock.now(),
  recorded: recordShells(),
  recordInput: input.record_input,
});

const rowOf = (facts: ShellFacts, size: { cols: number; rows: number }) => ({
  ...size,
  id: facts.id,
  guid: facts.guid,
  device: facts.device,
  account: facts.account,
  started_by: facts.startedBy,
  started_at: facts.startedAt,
  ended_at: null,
  state: 'starting' as const,
  exit_code: null,
  recording: facts.recorded ? ('recording' as const) : ('none' as const),
  record_input: facts.recordInput ? 1 : 0,
  recorded_bytes: 0,
  duration_ms: 0,
});

const begin = async (
  shell: RunningShell,
  { device, input, call }: Wish,
  { recordings, tunnels }: StartParts,
): Promise<void> => {
  const { id, recorded, startedAt } = shell.facts;
  if (recorded) {
    const title = `${input.user ? `${input.user}@` : ''}${device.name}`;
    shell.record(await recordings.create(id, { ...shell.size, startedAt, title, term: input.term }, shell));
  }
  const session = await tunnels.open(device.guid, call.caller);
  await shell.begin(session, {
    purpose: 'shell',
    shell_id: id,
    user: input.user ?? null,
    size: shell.size,
    term: input.term,
    record_input: input.record_input,
  });
};

const putOnRecord = async (
  shell: RunningShell,
  { device, call }: Wish,
  { store, events }: StartParts,
): Promise<void> => {
  const { id, account, recorded, recordInput } = shell.facts;
  await store.write(async (tx) => {
    await shellRuns(tx, id, account);
    const detail = { shell: id, user: account, recorded, input_recorded: recordInput };
    await call.audit(tx, { target: device.name, detail });
    await tellShell(events, tx, 'shell.started', shell, `${call.caller.user} started a shell as ${account}`);
  });
};

/** It never was. Where the device cannot be told, the next connection to it does. */
const undo = async (shell: RunningShell, { known, recordings, store }: StartParts): Promise<void> => {
  const { id } = shell.facts;
  shell.kill('SIGKILL');
  await shell.close();
  known.delete(id);
  await recordings.remove(id);
  await store.write((tx) => deleteShell(tx, id));
};
