/**
 * The key under which this device keeps the VPN services that it hosts. It lies apart from them, in a place that can be read
 * with no engine there: a pair must fail over without one. It is made when the first service is kept; a new one in place of
 * one that was lost opens nothing of before, and the engine tells all of it again.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MASTER_KEY_BYTES, seal, UnsealError, unseal } from '../../crypto/sealed.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { readSecretFile, writeFileDurably } from '../../sys/files.ts';
import { agentSealKey } from '../../sys/state-paths.ts';

const CREDENTIAL = 'borealis-agent-seal-key';

/** `named`: in the configuration. Then systemd's credentials; then a file of our own, beside the state directory or in /etc. */
export const sealKeyFile = (
  state: string,
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string => {
  if (named !== undefined) return named;
  const credential = env.CREDENTIALS_DIRECTORY && join(env.CREDENTIALS_DIRECTORY, CREDENTIAL);
  return credential && existsSync(credential) ? credential : agentSealKey(state);
};

export interface Box {
  seal(name: string, plaintext: Uint8Array): Buffer;
  /** Errors: SERVICE_KEYS_UNOPENED. */
  open(name: string, sealed: Uint8Array): Buffer;
}

export class SealKey {
  readonly #file: string;
  #key: Buffer | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** Errors: SERVICE_KEYS_UNOPENED where there is none, or it is none; STATE_UNSAFE where others can read it. */
  async existing(): Promise<Box> {
    this.#key ??= await this.#read();
    if (!this.#key) throw unopened(`The key ${this.#file} is missing.`);
    return this.#boxOf(this.#key);
  }

  /** As `existing`, but it is made where there is none. Errors: also SERVICE_KEYS_UNOPENED where it cannot be. */
  async made(): Promise<Box> {
    this.#key ??= (await this.#read()) ?? (await this.#make());
    return this.#boxOf(this.#key);
  }

  async #read(): Promise<Buffer | undefined> {
    try {
      const key = await readSecretFile(this.#file);
      if (key.length === MASTER_KEY_BYTES) return key;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    throw unopened(
      `${this.#file} does not hold ${MASTER_KEY_BYTES} bytes. Put the right one back; or remove it, and the agent makes another.`,
    );
  }

  async #make(): Promise<Buffer> {
    const key = randomBytes(MASTER_KEY_BYTES);
    try {
      await writeFileDurably(this.#file, key, { mode: 0o600 });
    } catch (cause) {
      if (cause instanceof BorealisError) throw cause;
      throw unopened(
        `Its key cannot be made: ${(cause as Error).message}. Name another place: seal_key_file in agent.toml, or the systemd credential ${CREDENTIAL}.`,
        cause,
      );
    }
    return key;
  }

  #boxOf(key: Buffer): Box {
    return {
      seal: (name, plaintext) => seal(key, name, plaintext),
      open: (name, sealed) => {
        try {
          return unseal(key, name, sealed);
        } catch (cause) {
          if (!(cause instanceof UnsealError)) throw cause;
          throw unopened(`${this.#file} is not the key of it, or it was changed.`, cause);
        }
      },
    };
  }
}

const unopened = (detail: string, cause?: unknown): BorealisError =>
  new BorealisError('SERVICE_KEYS_UNOPENED', { detail, cause });
