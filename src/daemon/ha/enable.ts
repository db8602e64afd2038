/** Makes a pair of two devices: everything that is no pair is refused first; one that does not come up is not there. */

import { setTimeout as sleep } from 'node:timers/promises';
import { BorealisError } from '../../protocol/errors.ts';
import type { HaPair } from '../../protocol/ha.ts';
import type { Call, ParsedInputOf } from '../capability.ts';
import { deviceFailure } from '../devices/failure.ts';
import { type DeviceRow, resolveDevice } from '../devices/resolve.ts';
import { roleAllows } from '../users/roles.ts';
import { demandFreeAt } from '../vpn/claims.ts';
import { deviceNetworks } from '../vpn/device-networks.ts';
import { leavesHost } from '../vpn/left-here.ts';
import type { ServiceRow } from '../vpn/rows.ts';
import { checkAddress, checkEndpoint, choosePorts } from './checks.ts';
import type { Pair } from './pair.ts';
import type { Pairs } from './pairs.ts';
import { presentPair } from './present.ts';
import { deletePair, insertPair, type PairRow } from './rows.ts';
import { waitFor } from './waiting.ts';

type Input = ParsedInputOf<'ha.enable'>;

/** For both devices to be ready, and one to have the address; a promise that an engine before gave comes on top. */
const UP_MS = 15_000;
/** While what was promised in a pair before runs out. */
const LOOK_MS = 100;

export const enablePair = async (
  pairs: Pairs,
  service: ServiceRow,
  input: Input,
  call: Call,
): Promise<HaPair> => {
  const { store, events } = pairs.parts;
  demandRight(call, input);
  const [primary, standby] = await demandDevices(pairs, input);
  const row = await newPair(pairs, service, input, call, [primary.guid, standby.guid]);
  for (let ms = pairs.boundFor(row.address); ms > 0; ms = pairs.boundFor(row.address))
    await sleep(Math.min(ms, LOOK_MS), undefined, { signal: call.signal });
  await store.write(async (tx) => {
    await demandNew(pairs, service, row);
    await demandFreeAt(tx.db, service, await deviceNetworks(tx.db, [primary.guid, standby.guid]));
    await insertPair(tx, row);
    await leavesHost(tx, service);
    await call.audit(tx, {
      target: service.name,
      detail: {
        primary: primary.name,
        standby: standby.name,
        address: row.address,
        interface: row.interface,
        port: row.port,
        driver: row.driver,
        hook: row.hook,
        lease_seconds: row.lease_seconds,
        threshold: row.threshold,
        fail_back: row.fail_back === 1,
      },
    });
    await events.record(tx, {
      type: 'ha.changed',
      message: `${call.caller.user} made ${primary.name} and ${standby.name} the pair of ${service.name}, at ${row.address}`,
      data: { vpn: service.name, change: 'enabled' },
    });
  });
  const pair = await pairs.add(service, row);
  try {
    await pairs.tell(service.id);
    await demandUp(pairs, pair, call);
  } catch (error) {
    await undo(pairs, service, error as Error);
    pairs.bind(pair);
    throw error;
  }
  return presentPair(pair, pairs.around(service.id));
};

/** Devices belong to the whole engine, and a hook is a program that runs as root on them. Errors: NOT_PERMITTED. */
const demandRight = ({ caller }: Call, { driver }: Input): void => {
  const needed = driver === 'hook' ? 'admin' : 'operator';
  if (!caller.limited && roleAllows(caller.role, needed)) return;
  throw new BorealisError('NOT_PERMITTED', {
    detail: `To choose devices${driver === 'hook' ? ', and a program that runs on them,' : ''} needs the role ${needed} in the whole engine; ${caller.user} has it not.`,
    next: `Ask an admin to do it, or to run: borealisctl user grant ${caller.user} ${needed}`,
  });
};

/** Errors: DEVICE_NOT_FOUND, DEVICE_AMBIGUOUS, DEVICE_STATE_CONFLICT, DEVICE_OFFLINE, BASTION_UNSUPPORTED, INVALID_INPUT. */
const demandDevices = async (pairs: Pairs, input: Input): Promise<[DeviceRow, DeviceRow]> => {
  const { store, bastions } = pairs.parts;
  const primary = await resolveDevice(store.read, input.primary);
  const standby = await resolveDevice(store.read, input.standby);
  if (primary.guid === standby.guid)
    throw new BorealisError('INVALID_INPUT', {
      detail: `${primary.name} cannot be both; nobody would take over from it.`,
    });
  for (const { guid, name, state } of [primary, standby]) {
    if (state !== 'active')
      throw new BorealisError('DEVICE_STATE_CONFLICT', { detail: `${name} is ${state}.` });
    const hosts = bastions.hosts(guid);
    if (hosts === undefined) throw new BorealisError('DEVICE_OFFLINE', { detail: `${name} is meant.` });
    if (!hosts) throw new BorealisError('BASTION_UNSUPPORTED', { detail: `${name} is meant.` });
  }
  return [primary, standby];
};

const newPair = async (
  pairs: Pairs,
  service: ServiceRow,
  input: Input,
  { caller }: Call,
  [primary, standby]: readonly [string, string],
): Promise<PairRow> => {
  const { store, clock } = pairs.parts;
  if ((input.driver === 'hook') !== (input.hook !== undefined))
    throw new BorealisError('INVALID_INPUT', {
      detail: 'hook: the driver hook needs the path of its program, and the others take none.',
    });
  const address = checkAddress(input.address, service);
  checkEndpoint(service.endpoint, address);
  const { port, routerId } = await choosePorts(
    store.read,
    service,
    pairs.all.map(({ row }) => row),
    { port: input.port, routerId: input.router_id, guids: [primary, standby] },
  );
  return {
    vpn_id: service.id,
    home_guid: primary,
    primary_guid: primary,
    standby_guid: standby,
    address,
    interface: input.interface ?? null,
    port,
    driver: input.driver,
    hook: input.hook ?? null,
    router_id: routerId,
    lease_seconds: input.lease_seconds,
    threshold: input.threshold,
    fail_back: input.fail_back ? 1 : 0,
    sealed_key: pairs.newKey(service.id),
    created_at: clock.now(),
    created_by: caller.user,
  };
};

/** Errors: HA_EXISTS. */
const demandNew = async (pairs: Pairs, service: ServiceRow, { address }: PairRow): Promise<void> => {
  const bare = (text: string): string | undefined => text.split('/', 1)[0];
  if (pairs.get(service.id)) throw new BorealisError('HA_EXISTS', { detail: `${service.name} has one.` });
  const other = pairs.all.find(({ row }) => bare(row.address) === bare(address));
  if (other)
    throw new BorealisError('HA_EXISTS', {
      detail: `${bare(address)} is the address of ${other.service.name}.`,
      next: 'Choose another address.',
    });
};

/**
 * Until one has the address and the other could take it. A device that is away, or slow, is no failure: the pair is
 * there, and told to be as it is. Errors: HA_ADDRESS_TAKEN, whatever a device failed with.
 */
const demandUp = async (pairs: Pairs, pair: Pair, { signal }: Call): Promise<void> => {
  const { address, vpn_id, lease_seconds } = pair.row;
  const met = (): BorealisError | true | undefined => {
    const around = pairs.around(vpn_id);
    for (const guid of pair.guids) {
      const said = pair.saidBy(guid);
      if (!said) continue;
      const name = pair.nameOf(guid);
      if (said.ha?.stranger)
        return new BorealisError('HA_ADDRESS_TAKEN', {
          detail: `${name} found that ${said.ha.stranger} answers for ${address} on the network.`,
          next: 'Give that one another address, or choose another floating address.',
        });
      // Its hook, for one, is not there, or did not do it.
      if (said.state === 'failed' || said.ha?.role === 'failed') return deviceFailure(name, said);
    }
    return pair.verdict(around).state === 'ok' ? true : undefined;
  };
  const found = await waitFor(pair, met, { ms: UP_MS + lease_seconds * 2_000, signal });
  if (found instanceof BorealisError) throw found;
};

const undo = async (pairs: Pairs, service: ServiceRow, why: Error): Promise<void> => {
  const { store, events, log, audit } = pairs.parts;
  const result = why instanceof BorealisError ? why.code : 'INTERNAL';
  await store.write(async (tx) => {
    await deletePair(tx, service.id);
    await audit.record(tx, {
      actor: 'engine',
      action: 'ha.enable',
      target: service.name,
      result,
      detail: { undone: true },
    });
    await events.record(tx, {
      type: 'ha.changed',
      message: `The pair of ${service.name} did not come up, and is not there: ${why.message}`,
      data: { vpn: service.name, change: 'disabled' },
    });
  });
  pairs.remove(service.id);
  await pairs
    .tell(service.id)
    .catch((error: unknown) =>
      log.error({ err: error, vpn: service.name }, 'the service is not back on its node'),
    );
};
