/**
 * A client's configuration. Its private key is made when it is first asked for, is in that answer, and nowhere else: not
 * in the store, not in a log, not in a backup.
 */
import { Readable } from 'node:stream';
import { BorealisError } from '../../protocol/errors.ts';
import { type Modules, QR_MAX_BYTES, qrModules } from '../../qr/matrix.ts';
import { qrPng } from '../../qr/png.ts';
import { generateKeyPair, type KeyPair } from '../../wg/keys.ts';
import type { Call, OutputOf, ParsedInputOf } from '../capability.ts';
import { type ClientSide, clientConfigText } from './client-config.ts';
import { addressesOf } from './pool.ts';
import {
  type ConnectionRow,
  connectionSecret,
  findConnection,
  list,
  type ServiceRow,
  updateConnection,
} from './rows.ts';
import type { Services } from './services.ts';

/** As long as a key in base64, and none. */
const PLACEHOLDER = '(made, and shown once, when it is asked for)';

export const showConfig = async (
  services: Services,
  input: ParsedInputOf<'connection.config'>,
  call: Call,
): Promise<OutputOf<'connection.config'>> => {
  const { store } = services.parts;
  const service = await services.find(input.vpn);
  const row = await findConnection(store.read, service, input.connection);
  const presharedKey = presharedKeyOf(services, row);
  const text = async (privateKey: string | null, psk: string | null): Promise<string> => {
    const side = await clientSide(services, service, row);
    return clientConfigText({ ...side, privateKey, presharedKey: psk }, input.format);
  };
  const name = `${service.name}-${row.name}`;
  if (input.preview) {
    const makes = row.public_key === null || input.new_key;
    const config = await text(makes ? PLACEHOLDER : null, presharedKey && PLACEHOLDER);
    return { name, config, private_key_shown: false };
  }
  const pair = await record(services, service, row, input.new_key, call);
  // A service that failed is taken up again with this key: who asked gets it, for it cannot be shown again.
  if (pair)
    await services
      .end(service)
      .apply([row.id])
      .catch(() => undefined);
  const config = await text(pair?.privateKey ?? null, presharedKey);
  return { name, config, private_key_shown: pair !== null };
};

/** The same as a PNG. Errors: PRIVATE_KEY_SHOWN, QR_TOO_LARGE; then no key has been made. */
export const showQr = async (
  services: Services,
  input: ParsedInputOf<'connection.qr'>,
  call: Call,
): Promise<Readable> => {
  const ask = { ...input, format: 'compact' as const };
  const { config: before } = await showConfig(services, { ...ask, preview: true }, call);
  demandPrivateKey(before, input.connection);
  modulesOf(before);
  const { config } = await showConfig(services, { ...ask, preview: false }, call);
  // Somebody else was shown it meanwhile.
  demandPrivateKey(config, input.connection);
  return Readable.from([qrPng(modulesOf(config))]);
};

const demandPrivateKey = (config: string, connection: string): void => {
  if (config.includes('PrivateKey')) return;
  throw new BorealisError('PRIVATE_KEY_SHOWN', { detail: `${connection} has its key.` });
};

const modulesOf = (config: string): Modules => {
  try {
    return qrModules(config);
  } catch (cause) {
    throw new BorealisError('QR_TOO_LARGE', {
      detail: `It holds ${QR_MAX_BYTES} bytes; the configuration has ${Buffer.byteLength(config)}.`,
      cause,
    });
  }
};

/** A new pair of keys, where it has none, or another one is asked for: of several who ask at once one is shown it. */
const record = (
  { parts: { store, events } }: Services,
  service: ServiceRow,
  row: ConnectionRow,
  another: boolean,
  call: Call,
): Promise<KeyPair | null> =>
  store.write(async (tx) => {
    const { public_key } = await findConnection(tx.db, service, row.id);
    const pair = public_key === null || another ? generateKeyPair() : null;
    await call.audit(tx, {
      target: `${service.name} ${row.name}`,
      detail: { id: row.id, private_key_shown: pair !== null, ...(pair && { public_key: pair.publicKey }) },
    });
    if (!pair) return null;
    await updateConnection(tx, row.id, { public_key: pair.publicKey, own_key: 0, rx_seen: 0, tx_seen: 0 });
    await events.record(tx, {
      type: 'connection.changed',
      message: `${call.caller.user} took the configuration of ${row.name} of the VPN service ${service.name}, with a new key`,
      data: { vpn: service.name, connection: row.name, change: 'keyed' },
    });
    return pair;
  });

const presharedKeyOf = ({ parts: { keys } }: Services, { id, preshared_key }: ConnectionRow): string | null =>
  preshared_key && keys.unseal(connectionSecret(id), preshared_key).toString('base64');

/** Through the tunnel goes what the service leads to, and the other connections; not what lies behind the client itself. */
const clientSide = async (
  { parts: { store } }: Services,
  service: ServiceRow,
  row: ConnectionRow,
): Promise<Omit<ClientSide, 'privateKey' | 'presharedKey'>> => {
  const sites = await store.read
    .selectFrom('vpn_connection')
    .select(['id', 'site_subnets_json'])
    .where('vpn_id', '=', service.id)
    .where('is_site', '=', 1)
    .orderBy('name')
    .execute();
  const { four, six } = addressesOf(service, row.number);
  return {
    addresses: [`${four}/32`, ...(six === null ? [] : [`${six}/128`])],
    dns: list(service.dns_json),
    mtu: service.mtu,
    service: {
      name: `${service.name} ${row.name}`,
      publicKey: service.public_key,
      endpoint: service.endpoint,
    },
    allowedIps: [
      service.pool,
      ...(service.pool6 === null ? [] : [service.pool6]),
      ...list(service.local_subnets_json),
      ...sites.filter(({ id }) => id !== row.id).flatMap((site) => list(site.site_subnets_json)),
    ],
  };
};
