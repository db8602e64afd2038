/** What the agents' listener shows and accepts in TLS, and its upkeep while the engine runs. */
import type { TlsOptions } from 'node:tls';
import type { Logger } from 'pino';
import type { Authority } from '../../crypto/ca.ts';
import type { ServerCertificate } from './server-certificate.ts';
import { TICKET_LIFE_SECONDS, type TicketKeys } from './ticket-keys.ts';

const ROUND_MS = 600_000;

export class TlsIdentity {
  readonly #authority: Authority;
  readonly #certificate: ServerCertificate;
  readonly #tickets: TicketKeys;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #apply: (options: TlsOptions) => void = () => {};

  constructor(authority: Authority, certificate: ServerCertificate, tickets: TicketKeys, log: Logger) {
    this.#authority = authority;
    this.#certificate = certificate;
    this.#tickets = tickets;
    this.#log = log;
  }

  /** Ends of the certificates, milliseconds since 1970. */
  get ends(): { readonly authority: number; readonly server: number } {
    return { authority: this.#authority.notAfter.getTime(), server: this.#certificate.notAfter };
  }

  options(): TlsOptions {
    return {
      key: this.#certificate.privateKeyPem,
      cert: this.#certificate.chainPem,
      ca: this.#authority.certificatePem,
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
      ecdhCurve: 'X25519',
      ticketKeys: this.#tickets.current,
      sessionTimeout: TICKET_LIFE_SECONDS,
      // Node derives it from the command line otherwise, and sessions would not outlive a restart.
      sessionIdContext: 'borealis agents',
    };
  }

  /** Renews and rotates what is due, from now on; `apply` (`tls.Server.setSecureContext`) hears of each change. */
  start(apply: (options: TlsOptions) => void): void {
    this.#apply = apply;
    this.#timer = setInterval(() => void this.maintain(), ROUND_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** One round. What fails is logged and tried again in the next one; doctor warns long before it hurts. */
  async maintain(): Promise<void> {
    try {
      const renewed = await this.#certificate.renewIfDue();
      const rotated = await this.#tickets.rotateIfDue();
      if (renewed) this.#log.info({ until: new Date(this.ends.server) }, 'server certificate renewed');
      if (renewed || rotated) this.#apply(this.options());
    } catch (error) {
      this.#log.error({ err: error }, 'certificate or ticket keys could not be renewed');
    }
  }
}
