/** Connections as operators ask for them. What changes who may reach what is in force when the answer comes. */
import { randomBytes } from 'node:crypto';
import { BorealisError } from '../../protocol/errors.ts';
import type { Connection } from '../../protocol/vpn.ts';
import type { Transaction } from '../../store/store.ts';
import { parseNetwork } from '../../wg/addresses.ts';
import { keyBytes } from '../../wg/keys.ts';
import type { Call, Handlers } from '../capability.ts';
import { demandFreeSubnets } from './claims.ts';
import { showConfig, showQr } from './config.ts';
import { giveNumber } from './pool.ts';
import { presentConnection } from './present.ts';
import {
  type ConnectionRow,
  connectionSecret,
  connectionsBy,
  connectionsOf,
  findConnection,
  findService,
  list,
  newId,
  type ServiceRow,
  updateConnection,
} from './rows.ts';
import type { Services } from './services.ts';
import { targetsOf } from './wanted.ts';

type Names =
  | 'connection.add'
  | 'connection.list'
  | 'connection.show'
  | 'connection.config'
  | 'connection.qr'
  | 'connection.change'
  | 'connection.enable'
  | 'connection.disable'
  | 'connection.remove';

const PRESHARED_BYTES = 32;

export const connectionOperations = (services: Services): Handlers<Names> => {
  const { store, events, clock, keys } = services.parts;
  const present = (service: ServiceRow, row: ConnectionRow): Connection =>
    presentConnection(service, row, services.end(service).trafficOf(row), clock.now());
  const find = async (ref: { vpn: string; connection: string }) => {
    const service = await services.find(ref.vpn);
    return { service, row: await findConnection(store.read, service, ref.connection) };
  };
  const change = (service: ServiceRow, row: { name: string }, call: Call, what: string) => ({
    type: 'connection.changed' as const,
    message: `${call.caller.user} ${what} ${row.name} of the VPN service ${service.name}`,
    data: { vpn: service.name, connection: row.name, change: what },
  });
  const target = (service: ServiceRow, { name }: { name: string }): string => `${service.name} ${name}`;

  /** Changes the row, then the network; the row as it is then. */
  const update = async (
    ref: { vpn: string; connection: string },
    call: Call,
    what: string,
    set: Partial<ConnectionRow>,
  ): Promise<Connection> => {
    const { service, row } = await find(ref);
    await store.write(async (tx) => {
      await demandThere(tx, service, row);
      await updateConnection(tx, row.id, set);
      await call.audit(tx, { target: target(service, row), detail: { id: row.id } });
      await events.record(tx, change(service, row, call, what));
    });
    await services.end(service).apply([row.id]);
    return present(service, { ...row, ...set });
  };

  return {
    'connection.add': async (input, call) => {
      const service = await services.find(input.vpn);
      const { name, public_key = null, allow, site_subnets } = input;
      if (public_key !== null) keyBytes(public_key, 'public key');
      const around = site_subnets.length > 0 ? await services.around(service) : null;
      const id = newId();
      const now = clock.now();
      const row = await store.write(async (tx) => {
        const latest = await findService(tx.db, service.id);
        await demandNew(tx, service, name, public_key);
        if (around) await demandFreeSubnets(tx.db, service, site_subnets, around);
        await demandReach(tx, service, allow, site_subnets);
        const made: ConnectionRow = {
          id,
          vpn_id: service.id,
          name,
          number: await giveNumber(tx, latest, input.address),
          public_key,
          own_key: public_key === null ? 0 : 1,
          preshared_key: input.preshared_key
            ? keys.seal(connectionSecret(id), randomBytes(PRESHARED_BYTES))
            : null,
          allow_json: JSON.stringify([...new Set(allow)]),
          site_subnets_json: JSON.stringify([...new Set(site_subnets)]),
          is_site: site_subnets.length > 0 ? 1 : 0,
          disabled_at: null,
          expires_at: input.expires_in === undefined ? null : now + input.expires_in * 1000,
          expired_at: null,
          last_handshake: null,
          connected_since: null,
          endpoint: null,
          rx_bytes: 0,
          tx_bytes: 0,
          rx_seen: 0,
          tx_seen: 0,
          created_at: now,
          created_by: call.caller.user,
        };
        await tx.db.insertInto('vpn_connection').values(made).execute();
        const { address } = presentConnection(service, made, made, now);
        const { expires_at } = made;
        await call.audit(tx, {
          target: target(service, made),
          detail: { id, address, public_key, allow, site_subnets, expires_at },
        });
        await events.record(tx, change(service, made, call, 'added'));
        return made;
      });
      await services.end(service).apply([row.id]);
      return present(service, row);
    },

    'connection.list': async ({ vpn }) => {
      const service = await services.find(vpn);
      await services.end(service).look();
      return (await connectionsOf(store.read, service.id)).map((row) => present(service, row));
    },

    'connection.show': async (input) => {
      const { service, row } = await find(input);
      await services.end(service).look();
      return present(service, row);
    },

    'connection.config': async (input, call) => showConfig(services, input, call),

    'connection.qr': async (input, call) => showQr(services, input, call),

    'connection.change': async (input, call) => {
      const { allow, expires_in } = input;
      const { service, row } = await find(input);
      const set: Partial<ConnectionRow> = {
        ...(allow && { allow_json: JSON.stringify([...new Set(allow)]) }),
        ...(expires_in !== undefined && {
          expires_at: expires_in === null ? null : clock.now() + expires_in * 1000,
          expired_at: null,
        }),
      };
      await store.write(async (tx) => {
        await demandThere(tx, service, row);
        await demandReach(tx, service, allow ?? [], []);
        if (Object.keys(set).length > 0) await updateConnection(tx, row.id, set);
        const { expires_at } = { ...row, ...set };
        await call.audit(tx, {
          target: target(service, row),
          detail: { id: row.id, ...(allow && { allow }), expires_at },
        });
        await events.record(tx, change(service, row, call, 'changed'));
      });
      await services.end(service).apply([row.id]);
      return present(service, { ...row, ...set });
    },

    'connection.enable': (input, call) => update(input, call, 'enabled', { disabled_at: null }),

    'connection.disable': (input, call) => update(input, call, 'disabled', { disabled_at: clock.now() }),

    'connection.remove': async (input, call) => {
      const { service, row } = await find(input);
      await store.write(async (tx) => {
        await demandThere(tx, service, row);
        await tx.db.deleteFrom('vpn_connection').where('id', '=', row.id).execute();
        await call.audit(tx, { target: target(service, row), detail: { id: row.id } });
        await events.record(tx, change(service, row, call, 'removed'));
      });
      await services.end(service).apply([row.id]);
      return {};
    },
  };
};

/** Somebody may have removed it since it was looked up. Errors: CONNECTION_NOT_FOUND. */
const demandThere = async (tx: Transaction, service: ServiceRow, row: ConnectionRow): Promise<void> => {
  if ((await connectionsBy(tx.db, [row.id])).length > 0) return;
  throw new BorealisError('CONNECTION_NOT_FOUND', {
    detail: `${service.name} has no “${row.name}” any more.`,
  });
};

/** Errors: CONNECTION_EXISTS, PUBLIC_KEY_TAKEN. */
const demandNew = async (
  tx: Transaction,
  service: ServiceRow,
  name: string,
  publicKey: string | null,
): Promise<void> => {
  const others = tx.db.selectFrom('vpn_connection').select('name').where('vpn_id', '=', service.id);
  if (await others.where('name', '=', name).executeTakeFirst())
    throw new BorealisError('CONNECTION_EXISTS', { detail: `${service.name} has “${name}”.` });
  if (publicKey === null) return;
  if (publicKey === service.public_key)
    throw new BorealisError('PUBLIC_KEY_TAKEN', { detail: `It is that of ${service.name} itself.` });
  const holder = await others.where('public_key', '=', publicKey).executeTakeFirst();
  if (holder) throw new BorealisError('PUBLIC_KEY_TAKEN', { detail: `${holder.name} has it.` });
};

/** Each rule must lead somewhere: what does not is a mistake, or somebody else's network. Errors: OUT_OF_REACH, INVALID_INPUT. */
export const demandReach = async (
  tx: Transaction,
  service: ServiceRow,
  allow: readonly string[],
  ownSubnets: readonly string[],
): Promise<void> => {
  if (allow.length === 0) return;
  const sites = await tx.db
    .selectFrom('vpn_connection')
    .select('site_subnets_json')
    .where('vpn_id', '=', service.id)
    .where('is_site', '=', 1)
    .execute();
  const reach = [
    ...list(service.local_subnets_json),
    ...sites.flatMap((site) => list(site.site_subnets_json)),
    ...ownSubnets,
  ];
  const pools = [service.pool, ...(service.pool6 === null ? [] : [service.pool6])];
  const read = (texts: readonly string[]) => texts.map((text) => parseNetwork(text, 'the network'));
  for (const rule of allow) {
    if (targetsOf(rule, read(reach), read(pools)).length > 0) continue;
    throw new BorealisError('OUT_OF_REACH', {
      detail: `${rule} is in none of: ${[...reach, ...pools].join(', ')}.`,
      next: `See where it leads with: borealisctl vpn show ${service.name}`,
    });
  }
};
