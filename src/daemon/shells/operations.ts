/** Shells, as operators call them. */
import type { Logger } from 'pino';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Handlers } from '../capability.ts';
import { resolveDevice } from '../devices/resolve.ts';
import { Seat } from './audience.ts';
import type { Shells } from './shells.ts';

type Names = 'shell.create' | 'shell.attach' | 'shell.list' | 'shell.kill';

export interface ShellOperationParts {
  readonly shells: Shells;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

export const shellOperations = ({ shells, store, clock, log }: ShellOperationParts): Handlers<Names> => ({
  'shell.create': async (input, call) =>
    shells.create(await resolveDevice(store.read, input.device), input, call),

  'shell.list': async ({ device }) =>
    shells.list(device === undefined ? undefined : (await resolveDevice(store.read, device)).guid),

  'shell.kill': async ({ shell }, call) => shells.kill(await shells.find(shell), call),

  'shell.attach': async ({ shell: ref, read_only, cols, rows }, call, viewer) => {
    const shell = await shells.find(ref);
    const { caller } = call;
    const at = { readOnly: read_only, since: clock.now(), size: { cols, rows } };
    const seat = new Seat(viewer, { uid: caller.uid, user: caller.user }, at);
    await shell.reach(seat.operator ? seat.by : undefined);
    // Who may type is on record before the first key.
    const { viewers } = shell;
    const { id, device } = shell.facts;
    const audit = seat.readOnly
      ? undefined
      : (tx: Parameters<typeof call.audit>[0]) => call.audit(tx, { target: device, detail: { shell: id } });
    await shells.viewersChanged(shell, caller.user, 'attached', audit);
    const accepted = viewer.accept({
      typed: (bytes) => viewers.typed(seat, bytes),
      asked: (request) => viewers.asked(seat, request),
      drained: () => viewers.drained(seat),
      rechecked: () => viewers.rechecked(seat),
    });
    if (accepted) await viewers.seat(seat, call.signal);
    if (shell.over) return;
    await shells
      .viewersChanged(shell, caller.user, 'left')
      .catch((error: unknown) => log.error({ err: error, shell: id }, 'that a viewer left is not on record'));
  },
});
