/** The end of a shell, put into the store; as often as it takes. */
import { setTimeout as rest } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ShellExit } from '../../protocol/agent-port.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { EventLog } from '../events/log.ts';
import type { Recordings } from '../recordings/recordings.ts';
import type { KnownShells } from './known-shells.ts';
import { deleteShell, type ShellEnd, shellEnded } from './rows.ts';
import type { RunningShell } from './running-shell.ts';
import { tellShell } from './shell-events.ts';

/** Until the store takes it. */
const AGAIN_MS = 1_000;

export interface EndedParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly recordings: Recordings;
  readonly known: KnownShells;
  readonly log: Logger;
}

/** Resolves when it is on record, or `signal` says that the engine ends. `exit` is null where the end was not seen. */
export const recordEnd = async (
  shell: RunningShell,
  exit: ShellExit | null,
  parts: EndedParts,
  signal: AbortSignal,
): Promise<void> => {
  const { clock, log, store, events, recordings, known: all } = parts;
  const { id, account } = shell.facts;
  const known = all.get(id);
  const end = endOf(shell, exit, clock.now());
  while (!signal.aborted) {
    try {
      await store.write(async (tx) => {
        if (known?.starting && (!exit || shell.condemned)) return deleteShell(tx, id);
        await shellEnded(tx, id, end);
        const how = exit ? `ended with ${exit.signal ?? exit.exit_code}` : 'is gone with its device';
        const data = { exit_code: end.exitCode };
        await tellShell(events, tx, 'shell.ended', shell, `The shell of ${account} ${how}`, data);
      });
      if (known?.starting && shell.condemned) await recordings.remove(id);
      if (known) known.end = end;
      all.delete(id);
      return;
    } catch (error) {
      log.error({ err: error, shell: id }, 'the end of a shell could not be stored; tried again');
      await rest(AGAIN_MS, undefined, { signal, ref: false }).catch(() => {}); // asked above
    }
  }
};

const endOf = (shell: RunningShell, exit: ShellExit | null, at: number): ShellEnd => {
  const { account, recorded } = shell.facts;
  const state = shell.recorder?.ending === 'complete' ? 'complete' : 'cut_off';
  return {
    at,
    exitCode: exit?.exit_code ?? null,
    account,
    ...shell.size,
    recording: recorded ? { state, live: shell.live } : null,
  };
};
