/**
 * Which state of a VPN service a device has, in 32 bytes: the sum, modulo 2^256, of the SHA-256 of each of its peers and
 * firewall entries and of all the rest. So the order of them is nothing to it, and what one client changes is known without a
 * look at the others. It finds what is not the same; that it is the engine's is for the signature to say.
 */
import { hash } from 'node:crypto';
import type { HostedClient, HostedService } from '../protocol/bastion.ts';
import { encodeBase64url } from './base64url.ts';

/** A number below 2^256. */
export type ServiceDigest = bigint;
type Clients = readonly HostedClient[];

const BITS = 256;
const BYTES = BITS / 8;

export const serviceDigest = (service: HostedService): ServiceDigest => {
  const { interfaces, firewall } = service.network;
  const { peers, ...link } = interfaces[0] as Record<string, unknown>;
  const { open, restricted, ...rules } = firewall as Record<string, unknown>;
  const rest = { ...service, network: { link, rules } };
  return BigInt.asUintN(
    BITS,
    digestOf('rest', rest) + sum('peer', peers) + sum('open', open) + sum('restricted', restricted),
  );
};

export const amendedDigest = (
  digest: ServiceDigest,
  { gone, come }: { readonly gone: Clients; readonly come: Clients },
): ServiceDigest => BigInt.asUintN(BITS, digest - sumOf(gone) + sumOf(come));

/** Base64url, as it is told. */
export const digestText = (digest: ServiceDigest): string =>
  encodeBase64url(Buffer.from(digest.toString(16).padStart(2 * BYTES, '0'), 'hex'));

/** The same text for the same value, whoever put it together. */
export const canonicalText = (value: unknown): string =>
  JSON.stringify(value, (_key, one: unknown) =>
    one !== null && typeof one === 'object' && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );

const sumOf = (clients: Clients): bigint =>
  clients.reduce(
    (all, { peer, open, restricted }) =>
      all + digestOf('peer', peer) + sum('open', open) + sum('restricted', restricted),
    0n,
  );

const sum = (kind: string, all: unknown): bigint =>
  Array.isArray(all) ? all.reduce<bigint>((found, one) => found + digestOf(kind, one), 0n) : 0n;

const digestOf = (kind: string, value: unknown): bigint =>
  BigInt(`0x${hash('sha256', `${kind} ${canonicalText(value)}`, 'hex')}`);
