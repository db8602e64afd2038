/** Events of shells; they carry the device, so that they are its activity. */
import type { Event } from '../../protocol/event.ts';
import type { Transaction } from '../../store/store.ts';
import type { EventLog } from '../events/log.ts';
import type { RunningShell } from './running-shell.ts';

/** Puts it on record, in the transaction that makes it so. `message` goes on with “on DEVICE”. */
export const tellShell = (
  events: EventLog,
  tx: Transaction,
  type: 'shell.started' | 'shell.ended' | 'shell.viewers',
  { facts: { id, guid, device, account } }: RunningShell,
  message: string,
  data: Event['data'] = {},
): Promise<void> =>
  events.record(tx, {
    type,
    message: `${message} on ${device}`,
    device: { guid, name: device },
    data: { shell: id, user: account, ...data },
  });
