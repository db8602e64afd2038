/**
 * What approving a request means. `new` makes a device. `context` adds the other context of a machine that is enrolled.
 * `merge` gives a device another key: GUID, name and history stay; what was issued to the old key ends at once.
 * `overwrite` revokes a device, which is kept under another name for its history, and gives its name to a new one.
 */
import { randomUUID } from 'node:crypto';
import { BorealisError } from '../../protocol/errors.ts';
import { CLOSE } from '../../protocol/frame.ts';
import type { Transaction } from '../../store/store.ts';
import { showCommand } from '../../sys/command.ts';
import { renameDevice } from '../devices/edit.ts';
import { type DeviceRow, resolveDevice } from '../devices/resolve.ts';
import { revokeDevice } from '../devices/standing.ts';
import { forgetRefreshTokens } from '../trust/refresh-token.ts';
import type { EnrollmentDependencies } from './dependencies.ts';
import { freeName } from './device-name.ts';
import { type ApprovalRow, standingOf } from './standing.ts';

export interface Choice {
  readonly merge?: string | undefined;
  readonly overwrite?: string | undefined;
  readonly name?: string | undefined;
}

export const HOUR_MS = 3_600_000;

/**
 * Decides a waiting request; the agent completes it within the hours that requests last.
 * Errors: APPROVAL_DECIDED, APPROVAL_CONFLICT, DEVICE_NOT_FOUND, DEVICE_AMBIGUOUS, DEVICE_NAME_TAKEN.
 */
export const approveRequest = async (
  tx: Transaction,
  deps: EnrollmentDependencies,
  request: ApprovalRow,
  choice: Choice,
  by: string,
): Promise<ApprovalRow> => {
  const now = deps.clock.now();
  demandWaiting(request, now);
  const decided = {
    ...(await settle(tx, deps, request, choice)),
    state: 'approved' as const,
    decided_at: now,
    decided_by: by,
    expires_at: now + deps.config.current.enrol_request_hours * HOUR_MS,
  };
  await tx.db.updateTable('approval').set(decided).where('id', '=', request.id).execute();
  await deps.events.record(tx, {
    type: 'approval.approved',
    message: `${by} approved ${request.hostname} as ${decided.name}`,
    data: { id: request.id, resolution: decided.resolution, guid: decided.guid, name: decided.name },
  });
  return { ...request, ...decided };
};

export const demandWaiting = (request: ApprovalRow, now: number): void => {
  if (request.state !== 'waiting')
    throw new BorealisError('APPROVAL_DECIDED', { detail: `It is ${request.state}.` });
  if (request.expires_at <= now)
    throw new BorealisError('APPROVAL_DECIDED', {
      detail: 'It has expired.',
      next: 'Run on the device once more: borealis-agent enroll LINK',
    });
};

type Settled = Pick<ApprovalRow, 'resolution' | 'guid' | 'name'>;

const settle = async (
  tx: Transaction,
  deps: EnrollmentDependencies,
  request: ApprovalRow,
  { merge, overwrite, name }: Choice,
): Promise<Settled> => {
  if (merge !== undefined) {
    const device = await renamed(tx, await resolveDevice(tx.db, merge), name);
    await endOldKey(tx, deps, request, device);
    return { resolution: 'merge', guid: device.guid, name: device.name };
  }
  if (overwrite !== undefined) {
    const device = await resolveDevice(tx.db, overwrite);
    await giveUpName(tx, deps, device, request);
    return asNew(tx, request, 'overwrite', name, device.name);
  }
  const { clash, joins } = await standingOf(tx.db, request);
  if (joins) {
    const device = await renamed(tx, joins, name);
    return { resolution: 'context', guid: device.guid, name: device.name };
  }
  // Two machines may rightly have one hostname; a name of its own for the new one says that they are two.
  if (clash && !(clash.kind === 'hostname' && name !== undefined)) throw conflict(request, clash);
  return asNew(tx, request, 'new', name, request.hostname);
};

const asNew = async (
  tx: Transaction,
  request: ApprovalRow,
  resolution: 'new' | 'overwrite',
  chosen: string | undefined,
  otherwise: string,
): Promise<Settled> => {
  await demandFreeKey(tx, request, null);
  const guid = randomUUID();
  const name = await freeName(tx.db, chosen ?? otherwise, guid);
  if (chosen !== undefined && name !== chosen) throw new BorealisError('DEVICE_NAME_TAKEN');
  return { resolution, guid, name };
};

const renamed = async <T extends { guid: string; name: string }>(
  tx: Transaction,
  device: T,
  name: string | undefined,
): Promise<T> => {
  if (name === undefined) return device;
  await renameDevice(tx, device, name);
  return { ...device, name };
};

/** The context's key stays on record until the new one takes its place, but nothing can be done with it any more. */
const endOldKey = async (
  tx: Transaction,
  { channels }: EnrollmentDependencies,
  request: ApprovalRow,
  { guid }: DeviceRow,
): Promise<void> => {
  await demandFreeKey(tx, request, guid);
  await forgetRefreshTokens(tx, guid, request.context);
  await tx.db
    .updateTable('device')
    .set((eb) => ({ token_version: eb('token_version', '+', 1) }))
    .where('guid', '=', guid)
    .execute();
  tx.afterCommit(() => channels.disconnect(guid, CLOSE.unauthorised, 'key replaced'));
};

const giveUpName = async (
  tx: Transaction,
  { clock, channels, events }: EnrollmentDependencies,
  device: DeviceRow,
  request: ApprovalRow,
): Promise<void> => {
  const { guid } = device;
  if (device.state !== 'revoked') await revokeDevice(tx, device, { now: clock.now(), channels });
  const name = await freeName(tx.db, `${device.name.slice(0, 100)}-replaced-${guid.slice(0, 8)}`, guid);
  await tx.db.updateTable('device').set({ name }).where('guid', '=', guid).execute();
  await events.record(tx, {
    type: 'device.revoked',
    message: `${device.name} is revoked and now called ${name}: ${request.hostname} takes its place`,
    device: { guid, name },
    data: { from: device.name, approval: request.id },
  });
};

/** One key belongs to one context of one device. */
const demandFreeKey = async (tx: Transaction, request: ApprovalRow, guid: string | null): Promise<void> => {
  const holder = await tx.db
    .selectFrom('device_context')
    .innerJoin('device', 'device.guid', 'device_context.guid')
    .select(['device.guid', 'device.name', 'device_context.context'])
    .where('public_key', '=', request.public_key)
    .executeTakeFirst();
  if (!holder || (holder.guid === guid && holder.context === request.context)) return;
  throw new BorealisError('APPROVAL_CONFLICT', {
    detail: `Its key is that of ${holder.name} (${holder.context}).`,
    next: `Deny it, or approve it with --merge ${showCommand([holder.name])}.`,
  });
};

const conflict = (
  request: ApprovalRow,
  { kind, device }: { kind: string; device: { name: string } },
): BorealisError => {
  // To be copied into a shell: a machine may call itself `$(reboot)`.
  const name = showCommand([device.name]);
  return new BorealisError('APPROVAL_CONFLICT', {
    detail: `${device.name} has the same ${kind}.`,
    next: `borealisctl approval approve ${request.id} --merge ${name} (or --overwrite ${name}), or deny it.`,
  });
};
