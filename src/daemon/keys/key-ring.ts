/**
 * The engine's keys. They lie sealed in the store; what opens them, the master key, is a file of its own beside it
 * (or wherever BOREALIS_MASTER_KEY_FILE or systemd's credentials put it), so that neither alone is of use.
 */
import { createHash, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { generateEd25519, publicKeyOf } from '../../crypto/ed25519.ts';
import { MASTER_KEY_BYTES, seal, UnsealError, unseal } from '../../crypto/sealed.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Database, Store, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import { readSecretFile, writeFileDurably } from '../../sys/files.ts';

export interface SigningKey {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  /** First 16 characters of the base64url SHA-256 of the public key. */
  readonly keyId: string;
}

const SIGNING_KEY = 'signing-key';
const DERIVATION_KEY = 'derivation-key';

export const masterKeyFile = (state: string, env: Readonly<Record<string, string | undefined>>): string => {
  if (env.BOREALIS_MASTER_KEY_FILE) return env.BOREALIS_MASTER_KEY_FILE;
  const credential = env.CREDENTIALS_DIRECTORY && join(env.CREDENTIALS_DIRECTORY, 'borealis-master-key');
  return credential && existsSync(credential) ? credential : join(state, 'master.key');
};

export class KeyRing {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #masterKey: Buffer;
  #signingKey!: SigningKey;
  #derivationKey!: KeyObject;

  private constructor(store: Store, clock: Clock, masterKey: Buffer) {
    this.#store = store;
    this.#clock = clock;
    this.#masterKey = masterKey;
  }

  /**
   * Opens the ring, making master key and signing key on the very first start only.
   * Errors: KEYS_UNOPENED where the store holds keys that this master key does not open, or there is none;
   * STATE_UNSAFE where others can read it.
   */
  static async open(store: Store, file: string, clock: Clock): Promise<KeyRing> {
    const first =
      (await store.read.selectFrom('secret').select('name').limit(1).executeTakeFirst()) === undefined;
    if (first && !existsSync(file))
      await writeFileDurably(file, randomBytes(MASTER_KEY_BYTES), { mode: 0o600 });
    if (!existsSync(file)) {
      throw new BorealisError('KEYS_UNOPENED', { detail: `The master key ${file} is missing.` });
    }
    const masterKey = Buffer.from(await readSecretFile(file));
    if (masterKey.length !== MASTER_KEY_BYTES) {
      throw new BorealisError('KEYS_UNOPENED', {
        detail: `${file} does not hold ${MASTER_KEY_BYTES} bytes.`,
      });
    }
    const ring = new KeyRing(store, clock, masterKey);
    ring.#signingKey = signingKeyFrom(
      await ring.getOrMake(SIGNING_KEY, () => Buffer.from(generateEd25519().seed)),
    );
    ring.#derivationKey = createSecretKey(await ring.getOrMake(DERIVATION_KEY, () => randomBytes(32)));
    return ring;
  }

  /** Whether this master key opens every secret of a store, and the signing key is among them. */
  static async opens(db: Database, masterKey: Uint8Array): Promise<boolean> {
    if (masterKey.length !== MASTER_KEY_BYTES) return false;
    const rows = await db.selectFrom('secret').select(['name', 'sealed']).execute();
    try {
      for (const { name, sealed } of rows) unseal(masterKey, name, sealed);
    } catch (error) {
      if (error instanceof UnsealError) return false;
      throw error;
    }
    return rows.some(({ name }) => name === SIGNING_KEY);
  }

  /** The secret of that name, or null. */
  async get(name: string): Promise<Buffer | null> {
    const row = await this.#store.read
      .selectFrom('secret')
      .select('sealed')
      .where('name', '=', name)
      .executeTakeFirst();
    return row ? this.unseal(name, row.sealed) : null;
  }

  async put(tx: Transaction, name: string, plaintext: Uint8Array): Promise<void> {
    const row = { sealed: seal(this.#masterKey, name, plaintext), updated_at: this.#clock.now() };
    await tx.db
      .insertInto('secret')
      .values({ name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute();
  }

  async forget(tx: Transaction, name: string): Promise<void> {
    await tx.db.deleteFrom('secret').where('name', '=', name).execute();
  }

  /** For what lies in a table of its own. `name` is bound to it: the same must be given to open it. */
  seal(name: string, plaintext: Uint8Array): Buffer {
    return seal(this.#masterKey, name, plaintext);
  }

  /** Errors: KEYS_UNOPENED. */
  unseal(name: string, sealed: Buffer): Buffer {
    try {
      return unseal(this.#masterKey, name, sealed);
    } catch (error) {
      if (!(error instanceof UnsealError)) throw error;
      throw new BorealisError('KEYS_UNOPENED', { detail: `The key “${name}” does not open.`, cause: error });
    }
  }

  async getOrMake(name: string, make: () => Buffer): Promise<Buffer> {
    const found = await this.get(name);
    if (found) return found;
    const made = make();
    await this.#store.write((tx) => this.put(tx, name, made));
    return made;
  }

  /** The Ed25519 key with which commands, scripts and access tokens are signed. */
  signingKey(): SigningKey {
    return this.#signingKey;
  }

  /** 32 bytes that only this engine can make, always the same for one purpose and value (HMAC-SHA-256). */
  derive(purpose: string, value: string): Buffer {
    return createHmac('sha256', this.#derivationKey).update(`${purpose}\0${value}`).digest();
  }
}

const signingKeyFrom = (seed: Buffer): SigningKey => {
  const publicKey = publicKeyOf(seed);
  const keyId = createHash('sha256').update(publicKey).digest('base64url').slice(0, 16);
  return { seed, publicKey, keyId };
};
