/** The agent's key, membership and tokens on disk. Written durably; read back only when nobody else could change them. */
import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { parseClientCertificate } from '../crypto/client-certificate.ts';
import { generateEd25519, publicKeyOf } from '../crypto/ed25519.ts';
import { pemToSeed, seedToPem } from '../crypto/keys.ts';
import { samePin, spkiPin } from '../crypto/spki.ts';
import { BorealisError } from '../protocol/errors.ts';
import { agentContext, bytes32, guid } from '../protocol/scalars.ts';
import { readSecretFile, syncDirectory, writeFileDurably } from '../sys/files.ts';
import type { CredentialParts, CredentialStore, Membership, TokenPair } from './credentials.ts';
import type { ContextPaths } from './state.ts';

const SECRET = { mode: 0o600 } as const;

export interface Identity {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

const membershipFile = z.strictObject({
  version: z.literal(1),
  guid,
  name: z.string(),
  context: agentContext,
  engine: z.strictObject({ host: z.string(), port: z.number().int() }),
  pin: bytes32,
  authority: z.string(),
  certificate: z.string(),
  signing_key: bytes32,
  signing_key_id: z.string(),
});

const tokensFile = z.strictObject({
  version: z.literal(1),
  access_token: z.string(),
  access_expires_at_ms: z.number(),
  refresh_token: z.string(),
  refresh_expires_at_ms: z.number(),
  refreshing: z.boolean(),
});

/** The identity, made on the first call. Errors: STATE_UNSAFE, STATE_DAMAGED. */
export async function ensureIdentity(paths: ContextPaths): Promise<Identity> {
  const pem = await readIfThere(paths.identity);
  if (pem !== undefined) return identityOf(pem, paths.identity);
  const made = generateEd25519();
  await writeFileDurably(paths.identity, seedToPem(made.seed), SECRET);
  return made;
}

const identityOf = (pem: string, path: string): Identity => {
  const seed = understood(path, 'it is not a private key', () => pemToSeed(pem));
  return { seed, publicKey: publicKeyOf(seed) };
};

/** Null when this context is not enrolled. Errors: STATE_UNSAFE; STATE_DAMAGED, also where the files do not belong together. */
export async function loadMembership(paths: ContextPaths): Promise<Membership | null> {
  const stored = await readJson(paths.membership, membershipFile);
  if (!stored) return null;
  const { engine, signing_key, signing_key_id, version: _, ...rest } = stored;
  const pin = understood(paths.membership, 'its authority is no certificate', () =>
    spkiPin(stored.authority),
  );
  if (!samePin(pin, stored.pin)) throw damaged(paths.membership, 'its pin is of another authority');
  understood(paths.membership, 'its certificate is not that of a device', () =>
    parseClientCertificate(stored.certificate),
  );
  return {
    ...rest,
    address: engine,
    signingKey: Buffer.from(signing_key, 'base64url'),
    signingKeyId: signing_key_id,
  };
}

/** All that a link needs. Errors: NOT_ENROLLED, STATE_UNSAFE, STATE_DAMAGED. */
export async function loadCredentials(paths: ContextPaths): Promise<CredentialParts> {
  const membership = await loadMembership(paths);
  const pem = await readIfThere(paths.identity);
  const stored = await readJson(paths.tokens, tokensFile);
  if (!membership) throw new BorealisError('NOT_ENROLLED');
  if (pem === undefined) throw damaged(paths.identity, 'it is missing');
  if (!stored) throw damaged(paths.tokens, 'it is missing');
  const { seed, publicKey } = identityOf(pem, paths.identity);
  if (!Buffer.from(parseClientCertificate(membership.certificate).publicKey).equals(publicKey))
    throw damaged(paths.membership, 'its certificate is of another key');
  return {
    seed,
    publicKey,
    membership,
    tokens: {
      accessToken: stored.access_token,
      accessExpiresAt: stored.access_expires_at_ms,
      refreshToken: stored.refresh_token,
      refreshExpiresAt: stored.refresh_expires_at_ms,
      refreshing: stored.refreshing,
    },
  };
}

export async function saveMembership(paths: ContextPaths, membership: Membership): Promise<void> {
  const { address, signingKey, signingKeyId, ...rest } = membership;
  const stored: z.infer<typeof membershipFile> = {
    version: 1,
    ...rest,
    engine: { host: address.host, port: address.port },
    signing_key: Buffer.from(signingKey).toString('base64url'),
    signing_key_id: signingKeyId,
  };
  await writeFileDurably(paths.membership, `${JSON.stringify(stored, null, 2)}\n`, SECRET);
}

export async function saveTokens(paths: ContextPaths, tokens: TokenPair): Promise<void> {
  const stored: z.infer<typeof tokensFile> = {
    version: 1,
    access_token: tokens.accessToken,
    access_expires_at_ms: tokens.accessExpiresAt,
    refresh_token: tokens.refreshToken,
    refresh_expires_at_ms: tokens.refreshExpiresAt,
    refreshing: tokens.refreshing,
  };
  await writeFileDurably(paths.tokens, `${JSON.stringify(stored)}\n`, SECRET);
}

export const fileCredentialStore = (paths: ContextPaths): CredentialStore => ({
  saveTokens: (tokens) => saveTokens(paths, tokens),
  async saveCertificate(certificate) {
    const membership = await loadMembership(paths);
    if (!membership) throw new BorealisError('NOT_ENROLLED');
    await saveMembership(paths, { ...membership, certificate });
  },
});

/** Forgets the enrolment and the key: whoever finds the directory later can do nothing with it. */
export async function forgetIdentity(paths: ContextPaths): Promise<void> {
  for (const file of [
    paths.membership,
    paths.tokens,
    paths.enrolment,
    paths.identity,
    paths.status,
    paths.seen,
    paths.bastionSeen,
  ])
    await rm(file, { force: true });
  await rm(paths.spool, { recursive: true, force: true });
  await rm(paths.scripts, { recursive: true, force: true });
  await rm(paths.groups, { recursive: true, force: true });
  await rm(paths.bastion, { recursive: true, force: true });
  // Also what is left of those in a backup is of no use then.
  if (paths.context === 'system') await rm(paths.sealKey, { force: true });
  await syncDirectory(paths.directory);
}

/** The text of a secret file, or undefined when there is none. Errors: STATE_UNSAFE. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readSecretFile(path)).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged(path, 'it does not have the agreed form', cause);
  }
}

/** What `read` makes of a file. Errors: STATE_DAMAGED where that is nothing. */
const understood = <T>(path: string, why: string, read: () => T): T => {
  try {
    return read();
  } catch (cause) {
    throw damaged(path, why, cause);
  }
};

const damaged = (path: string, why: string, cause?: unknown): BorealisError =>
  new BorealisError('STATE_DAMAGED', {
    detail: `${path}: ${why}.`,
    next: 'Restore it, or enrol again: borealis-agent unenroll, then borealis-agent enroll LINK',
    cause,
  });
