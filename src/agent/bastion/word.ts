/** Words of the engine about VPN services: whose they are, and the parts of one put together (protocol/bastion.ts). */
import { gunzipSync } from 'node:zlib';
import {
  BASTION_TYPE,
  type BastionClaims,
  bastionClaims,
  type HostedService,
  hostedService,
} from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { CommandTrust } from '../verify.ts';
import { verifyWord } from '../word.ts';

const KIND = {
  typ: BASTION_TYPE,
  schema: bastionClaims,
  maxBytes: 1_000_000,
  what: 'the word about a VPN service',
} as const;
/** 10,000 connections with their rules are a tenth of it. */
const STATE_MAX_BYTES = 64 * 1024 * 1024;
/** Names of ours: a word about a service must not reach another interface. */
const INTERFACE = /^bvpn\d{1,4}$/;

/** `nowMs`: milliseconds since 1970. Errors: those of `verifyWord`. */
export const verifyBastion = (envelope: string, trust: CommandTrust, nowMs: number): BastionClaims =>
  verifyWord(envelope, KIND, trust, nowMs);

export type HoldWord = Extract<BastionClaims, { action: 'hold' }>;

/** Of the newest revision of each service; what is older, or out of order, is forgotten. */
export class Parts {
  readonly #begun = new Map<string, { readonly revision: number; readonly bodies: string[] }>();

  /** The whole state once its last part is here; undefined before. Errors: SCHEMA_MISMATCH. */
  add({ service, revision, part, parts, body }: HoldWord): HostedService | undefined {
    if (part === 0) this.#begun.set(service, { revision, bodies: [] });
    const begun = this.#begun.get(service);
    if (begun?.revision !== revision || begun.bodies.length !== part) {
      this.#begun.delete(service);
      return undefined; // the engine tells all of it again when it hears what is in force here
    }
    begun.bodies.push(body);
    if (begun.bodies.length < parts) return undefined;
    this.#begun.delete(service);
    return readService(begun.bodies.join(''), service);
  }
}

const readService = (body: string, id: string): HostedService => {
  let told: unknown;
  try {
    const bytes = gunzipSync(Buffer.from(body, 'base64url'), { maxOutputLength: STATE_MAX_BYTES });
    told = JSON.parse(bytes.toString());
  } catch (cause) {
    throw new BorealisError('SCHEMA_MISMATCH', {
      detail: 'The state of a VPN service cannot be read.',
      cause,
    });
  }
  return checkService(told, id);
};

/** Also of what was kept on disk. Errors: SCHEMA_MISMATCH. */
export const checkService = (told: unknown, id: string): HostedService => {
  const parsed = hostedService.safeParse(told);
  if (!parsed.success || parsed.data.id !== id)
    throw new BorealisError('SCHEMA_MISMATCH', { detail: 'The state of a VPN service has another form.' });
  const { interfaces, firewall } = parsed.data.network;
  if (!INTERFACE.test(interfaces[0]?.name ?? '') || firewall.name !== interfaces[0]?.name)
    throw new BorealisError('SCHEMA_MISMATCH', { detail: 'A VPN service has an interface of its own.' });
  return parsed.data;
};
