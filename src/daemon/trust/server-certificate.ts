/** The certificate that the agents' listener shows: 90 days, made anew once two thirds of them are over. */
import { X509Certificate } from 'node:crypto';
import { type Authority, issueServerCertificate, renewalDue } from '../../crypto/ca.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { type KeyPairPems, keyPairPems } from './pems.ts';

const SECRET = 'server-certificate';
export const SERVER_CERTIFICATE_DAYS = 90;

export interface ServerCertificateParts {
  readonly authority: Authority;
  readonly keys: KeyRing;
  readonly store: Store;
  readonly clock: Clock;
}

export class ServerCertificate {
  readonly #parts: ServerCertificateParts;
  #pems!: KeyPairPems;
  #certificate!: X509Certificate;

  private constructor(parts: ServerCertificateParts) {
    this.#parts = parts;
  }

  /** The sealed certificate where it is still good for this authority, else a new one. */
  static async open(parts: ServerCertificateParts): Promise<ServerCertificate> {
    const own = new ServerCertificate(parts);
    const sealed = await parts.keys.get(SECRET);
    if (sealed) own.#take(keyPairPems.parse(JSON.parse(sealed.toString('utf8'))));
    if (!sealed || !own.#isOfAuthority()) await own.#issue();
    else await own.renewIfDue();
    return own;
  }

  get privateKeyPem(): string {
    return this.#pems.privateKeyPem;
  }

  /** Leaf, then CA: an agent that has only the pin finds the CA here. */
  get chainPem(): string {
    return this.#pems.certificatePem + this.#parts.authority.certificatePem;
  }

  /** Milliseconds since 1970. */
  get notAfter(): number {
    return this.#certificate.validToDate.getTime();
  }

  /** True where a new certificate was made. The old one stays in force when that fails. */
  async renewIfDue(): Promise<boolean> {
    const { validFromDate: notBefore, validToDate: notAfter } = this.#certificate;
    if (!renewalDue({ notBefore, notAfter }, new Date(this.#parts.clock.now()))) return false;
    await this.#issue();
    return true;
  }

  async #issue(): Promise<void> {
    const { authority, keys, store, clock } = this.#parts;
    const pems = await issueServerCertificate(authority, {
      names: [],
      addresses: [],
      now: new Date(clock.now()),
      days: SERVER_CERTIFICATE_DAYS,
    });
    await store.write((tx) => keys.put(tx, SECRET, Buffer.from(JSON.stringify(pems), 'utf8')));
    this.#take(pems);
  }

  #take(pems: KeyPairPems): void {
    this.#pems = pems;
    this.#certificate = new X509Certificate(pems.certificatePem);
  }

  /** A store put together from two backups could hold a leaf of another authority; agents would refuse it. */
  #isOfAuthority(): boolean {
    const issuer = new X509Certificate(this.#parts.authority.certificatePem);
    return this.#certificate.checkIssued(issuer) && this.#certificate.verify(issuer.publicKey);
  }
}
