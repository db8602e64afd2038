/** VPN services as operators ask for them. */
import { BorealisError } from '../../protocol/errors.ts';
import type { OutputOf } from '../../protocol/operations.ts';
import type { VpnService } from '../../protocol/vpn.ts';
import { generateKeyPair } from '../../wg/keys.ts';
import type { Call, Caller, Handlers, ParsedInputOf } from '../capability.ts';
import { allowedInProject, roleAllows } from '../users/roles.ts';
import { demandFreePools } from './claims.ts';
import { demandPools } from './pool.ts';
import { presentConnection, presentService } from './present.ts';
import {
  allServices,
  connectionsOf,
  countConnections,
  newId,
  type ServiceRow,
  serviceSecret,
  servicesOf,
} from './rows.ts';
import type { Services } from './services.ts';

type Names = 'vpn.create' | 'vpn.list' | 'vpn.show' | 'vpn.status' | 'vpn.delete';

export interface ServiceOperationParts {
  readonly services: Services;
  /** UDP; the tunnels'. */
  readonly tunnelPort: number;
}

export const serviceOperations = ({ services, tunnelPort }: ServiceOperationParts): Handlers<Names> => {
  const { store, events, clock, keys } = services.parts;
  const leftOf = (row: ServiceRow) => services.parts.devices.leaving.of(row.id);
  const show = async (row: ServiceRow): Promise<VpnService> =>
    presentService(row, services.endOf(row), await countConnections(store.read, row.id), await leftOf(row));

  const create = async (input: ParsedInputOf<'vpn.create'>, call: Call): Promise<VpnService> => {
    const row = await newService(services, input, call);
    demandPools(row);
    if (row.node === 'engine' && row.listen_port === tunnelPort)
      throw new BorealisError('PORT_TAKEN', {
        detail: `UDP port ${tunnelPort} is that of the tunnels to devices.`,
        next: 'Choose another one with --port, and tell clients so in the endpoint.',
      });
    const around = await services.around(row);
    const { privateKey, publicKey } = generateKeyPair();
    const whole = { ...row, public_key: publicKey };
    await store.write(async (tx) => {
      const other = await tx.db
        .selectFrom('vpn_service')
        .select('name')
        .where('name', '=', row.name)
        .executeTakeFirst();
      if (other) throw new BorealisError('VPN_EXISTS', { detail: `${row.name} is meant.` });
      const holder = await tx.db
        .selectFrom('vpn_service')
        .select('name')
        .where('listen_port', '=', row.listen_port)
        .executeTakeFirst();
      if (holder)
        throw new BorealisError('PORT_TAKEN', {
          detail: `UDP port ${row.listen_port} is that of the VPN service ${holder.name}.`,
          next: 'Choose another one with --port, and tell clients so in the endpoint.',
        });
      await demandFreePools(tx.db, row, around);
      await keys.put(tx, serviceSecret(row.id), Buffer.from(privateKey, 'base64'));
      await tx.db.insertInto('vpn_service').values(whole).execute();
      await call.audit(tx, { target: row.name, detail: describe(whole) });
      await events.record(tx, {
        type: 'vpn.changed',
        message: `${call.caller.user} made the VPN service ${row.name}`,
        data: { vpn: row.name, change: 'created' },
      });
    });
    try {
      await services.bringUp(whole);
    } catch (error) {
      await undo(services, whole, error as Error);
      throw error;
    }
    return show(whole);
  };

  const remove = async (vpn: string, call: Call): Promise<OutputOf<'vpn.delete'>> => {
    const row = await services.find(vpn);
    await services.takeDown(row);
    const left = await leftOf(row);
    const forgotten = store.write(async (tx) => {
      const connections = await countConnections(tx.db, row.id);
      await services.parts.devices.deleted(tx, row);
      await tx.db.deleteFrom('vpn_service').where('id', '=', row.id).execute();
      await keys.forget(tx, serviceSecret(row.id));
      await call.audit(tx, { target: row.name, detail: { ...describe(row), connections } });
      await events.record(tx, {
        type: 'vpn.changed',
        message: `${call.caller.user} deleted the VPN service ${row.name}`,
        data: { vpn: row.name, change: 'deleted' },
      });
    });
    await forgotten.catch(async (error: unknown) => {
      // It is there still, so it goes on.
      await services.takeUp(row);
      throw error;
    });
    return { untold: left.map(({ name }) => name) };
  };

  return {
    'vpn.create': (input, call) => services.inTurn(() => create(input, call)),

    'vpn.list': async ({ project }, { caller }) => {
      const rows = await (project === undefined ? allServices(store.read) : servicesOf(store.read, project));
      return Promise.all(rows.filter((row) => allowedInProject(caller, row.project, 'viewer')).map(show));
    },

    'vpn.show': async ({ vpn }) => show(await services.find(vpn)),

    'vpn.status': async ({ vpn }) => {
      const row = await services.find(vpn);
      const end = services.end(row);
      await end.look();
      const connections = await connectionsOf(store.read, row.id);
      const now = clock.now();
      return {
        service: presentService(row, end, connections.length, await leftOf(row)),
        connections: connections.map((one) => presentConnection(row, one, end.trafficOf(one), now)),
      };
    },

    'vpn.delete': ({ vpn }, call) => services.inTurn(() => remove(vpn, call)),
  };
};

const newService = async (
  services: Services,
  input: ParsedInputOf<'vpn.create'>,
  { caller }: Call,
): Promise<Omit<ServiceRow, 'public_key'>> => ({
  node: input.node === undefined ? 'engine' : await chosenDevice(services, input.node, caller),
  revision: 0,
  told: null,
  id: newId(),
  name: input.name,
  project: input.project,
  labels_json: JSON.stringify(input.labels),
  endpoint: input.endpoint,
  pool: input.pool,
  pool6: input.pool6 ?? null,
  dns_json: JSON.stringify(input.dns),
  local_subnets_json: JSON.stringify([...new Set(input.local_subnets)]),
  masquerade: input.masquerade ? 1 : 0,
  mtu: input.mtu,
  listen_port: input.listen_port ?? Number(input.endpoint.slice(input.endpoint.lastIndexOf(':') + 1)),
  interface: await services.freeInterface(),
  given: 1,
  created_at: services.parts.clock.now(),
  created_by: caller.user,
});

/** Devices belong to the whole engine: who has a part of it alone does not choose among them. */
const chosenDevice = async (services: Services, ref: string, caller: Caller): Promise<string> => {
  if (caller.limited || !roleAllows(caller.role, 'operator'))
    throw new BorealisError('NOT_PERMITTED', {
      detail: `To choose a device needs the role operator in the whole engine; ${caller.user} has it not.`,
      next: `Ask an admin to do it, or to run: borealisctl user grant ${caller.user} operator`,
    });
  return (await services.parts.devices.demandHost(ref)).guid;
};

const describe = ({
  id,
  endpoint,
  pool,
  pool6,
  listen_port,
  interface: name,
  project,
  node,
}: ServiceRow) => ({
  id,
  project,
  ...(node !== 'engine' && { node }),
  endpoint,
  pool,
  ...(pool6 !== null && { pool6 }),
  listen_port,
  interface: name,
});

/** One that could not be brought up is not there: whoever asked is told why. */
const undo = async (services: Services, row: ServiceRow, why: Error): Promise<void> => {
  const { store, events, keys, audit } = services.parts;
  await store.write(async (tx) => {
    await tx.db.deleteFrom('vpn_service').where('id', '=', row.id).execute();
    await keys.forget(tx, serviceSecret(row.id));
    const result = why instanceof BorealisError ? why.code : 'INTERNAL';
    await audit.record(tx, {
      actor: 'engine',
      action: 'vpn.create',
      target: row.name,
      result,
      detail: { undone: true },
    });
    await events.record(tx, {
      type: 'vpn.changed',
      message: `The VPN service ${row.name} could not be brought up, and is not there: ${why.message}`,
      data: { vpn: row.name, change: 'deleted' },
    });
  });
};
