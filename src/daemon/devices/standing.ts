/**
 * Quarantine, release, revocation, removal: what a device may still do. Each raises the token version, so that tokens
 * issued before are refused from the commit on, and cuts the live channels right after it.
 */
import { BorealisError } from '../../protocol/errors.ts';
import { CLOSE } from '../../protocol/frame.ts';
import type { Transaction } from '../../store/store.ts';
import type { Channels } from '../channel/channels.ts';
import { forgetRefreshTokens } from '../trust/refresh-token.ts';
import type { DeviceRow } from './resolve.ts';

/** Errors: DEVICE_STATE_CONFLICT unless it is active. Its keys and tokens are kept for the release. */
export const quarantineDevice = async (
  tx: Transaction,
  device: DeviceRow,
  channels: Channels,
): Promise<void> => {
  demandState(device, ['active']);
  await tx.db
    .updateTable('device')
    .set((eb) => ({ state: 'quarantined', token_version: eb('token_version', '+', 1) }))
    .where('guid', '=', device.guid)
    .execute();
  tx.afterCommit(() => channels.disconnect(device.guid, CLOSE.forbidden, 'quarantined'));
};

/** Errors: DEVICE_STATE_CONFLICT unless it is quarantined. */
export const releaseDevice = async (tx: Transaction, device: DeviceRow): Promise<void> => {
  demandState(device, ['quarantined']);
  await tx.db.updateTable('device').set({ state: 'active' }).where('guid', '=', device.guid).execute();
};

/** Withdraws keys, certificates and tokens of all its contexts. Errors: DEVICE_STATE_CONFLICT where that was done. */
export const revokeDevice = async (
  tx: Transaction,
  device: DeviceRow,
  { now, channels }: { readonly now: number; readonly channels: Channels },
): Promise<void> => {
  demandState(device, ['active', 'quarantined']);
  await tx.db
    .updateTable('device')
    .set((eb) => ({ state: 'revoked', revoked_at: now, token_version: eb('token_version', '+', 1) }))
    .where('guid', '=', device.guid)
    .execute();
  // Without its keys on record none of its certificates is good; and the agent may enrol again with the same key.
  await tx.db.deleteFrom('device_context').where('guid', '=', device.guid).execute();
  await forgetRefreshTokens(tx, device.guid);
  tx.afterCommit(() => channels.disconnect(device.guid, CLOSE.forbidden, 'revoked'));
};

/** Forgets it: contexts, tags, inventory, telemetry and tokens go with it (foreign keys). */
export const removeDevice = async (tx: Transaction, device: DeviceRow, channels: Channels): Promise<void> => {
  await tx.db.deleteFrom('device').where('guid', '=', device.guid).execute();
  tx.afterCommit(() => channels.disconnect(device.guid, CLOSE.forbidden, 'removed'));
};

const demandState = (device: DeviceRow, states: readonly DeviceRow['state'][]): void => {
  if (states.includes(device.state)) return;
  throw new BorealisError('DEVICE_STATE_CONFLICT', { detail: `${device.name} is ${device.state}.` });
};
