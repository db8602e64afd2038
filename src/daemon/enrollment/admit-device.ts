/** The end of an enrolment: the approved request becomes a device, or a context of one, with its first certificate. */
import type { IssuedClientCertificate } from '../../crypto/ca.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { DeviceTable } from '../../store/schema.ts';
import type { Transaction } from '../../store/store.ts';
import { putTags } from '../devices/edit.ts';
import { forgetRefreshTokens } from '../trust/refresh-token.ts';
import { freeName } from './device-name.ts';
import { type ApprovalRow, standingOf } from './standing.ts';

/** `reopened`: something was enrolled meanwhile that it clashes with, so an operator has to look again. */
export type Admitted = DeviceTable | 'reopened' | 'withdrawn';

/** Makes device and context as the approval says; for a completed request, replaces what was issued before. */
export const admitDevice = async (
  tx: Transaction,
  request: ApprovalRow,
  certificate: IssuedClientCertificate,
  now: number,
): Promise<Admitted> => {
  const guid = request.guid!;
  const device = await deviceFor(tx, request, guid, now);
  if (device === 'reopened' || device === 'withdrawn') return device;
  const context = {
    public_key: request.public_key,
    certificate_serial: certificate.serial,
    previous_serial: null,
    certificate_not_before: certificate.notBefore.getTime(),
    certificate_not_after: certificate.notAfter.getTime(),
    enrolled_at: now,
  };
  await tx.db
    .insertInto('device_context')
    .values({ guid, context: request.context, ...context })
    .onConflict((conflict) => conflict.columns(['guid', 'context']).doUpdateSet(context))
    .execute();
  await forgetRefreshTokens(tx, guid, request.context);
  return device;
};

const deviceFor = async (
  tx: Transaction,
  request: ApprovalRow,
  guid: string,
  now: number,
): Promise<Admitted> => {
  const device = await tx.db.selectFrom('device').selectAll().where('guid', '=', guid).executeTakeFirst();
  if (request.state === 'completed') return (await stillTheirs(tx, request, guid)) ? device! : 'withdrawn';
  switch (request.resolution) {
    case 'new':
      return (await clashesSince(tx, request)) ? 'reopened' : newDevice(tx, request, guid, now);
    case 'overwrite':
      return newDevice(tx, request, guid, now);
    case 'context': {
      if (!device || device.state === 'revoked') return 'withdrawn';
      const taken = await contextOf(tx, guid, request);
      return taken ? 'reopened' : device;
    }
    case 'merge': {
      // Revoked after the approval: the later decision stands.
      const revoked = device?.state === 'revoked' && device.revoked_at! >= request.decided_at!;
      return !device || revoked ? 'withdrawn' : mergedDevice(tx, request, device);
    }
    case null:
      throw new BorealisError('INTERNAL', { detail: 'An approval has no resolution.' });
  }
};

const contextOf = (tx: Transaction, guid: string, request: ApprovalRow) =>
  tx.db
    .selectFrom('device_context')
    .select('public_key')
    .where('guid', '=', guid)
    .where('context', '=', request.context)
    .executeTakeFirst();

/** The answer to the first completion may have been lost; the key on record must still be the one that signed. */
const stillTheirs = async (tx: Transaction, request: ApprovalRow, guid: string): Promise<boolean> =>
  (await contextOf(tx, guid, request))?.public_key === request.public_key;

/** Enrolled after the decision: whoever decided could not know of it. */
const clashesSince = async (tx: Transaction, request: ApprovalRow): Promise<boolean> => {
  const { clash, joins } = await standingOf(tx.db, request);
  const since = clash?.device.enrolled_at ?? joins?.enrolled_at;
  return since !== undefined && since >= request.decided_at!;
};

const machineOf = (request: ApprovalRow) => ({
  hostname: request.hostname,
  fingerprint: request.fingerprint,
  os: request.os,
  arch: request.arch,
  agent_version: request.agent_version,
  address: request.address,
});

const newDevice = async (
  tx: Transaction,
  request: ApprovalRow,
  guid: string,
  now: number,
): Promise<DeviceTable> => {
  const code = await tx.db
    .selectFrom('enrolment_code')
    .select(['site', 'tags_json'])
    .where('id', '=', request.code_id)
    .executeTakeFirstOrThrow();
  const device: DeviceTable = {
    guid,
    name: await freeName(tx.db, request.name!, guid),
    ...machineOf(request),
    site: code.site,
    tags_json: '{}',
    state: 'active',
    token_version: 1,
    clock_offset_ms: null,
    enrolled_at: now,
    revoked_at: null,
    last_seen_at: null,
  };
  await tx.db.insertInto('device').values(device).execute();
  await putTags(tx, guid, JSON.parse(code.tags_json) as Record<string, string>);
  return device;
};

/** A revoked device is active again; a quarantined one stays in quarantine until it is released. */
const mergedDevice = async (
  tx: Transaction,
  request: ApprovalRow,
  device: DeviceTable,
): Promise<DeviceTable> => {
  const state = device.state === 'revoked' ? 'active' : device.state;
  const change = { ...machineOf(request), state, revoked_at: null };
  await tx.db.updateTable('device').set(change).where('guid', '=', device.guid).execute();
  return { ...device, ...change };
};
