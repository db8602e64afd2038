/** The sessions that are open, and what any part of the engine does with one: tell its device, let it pass, end it. */
import type { Logger } from 'pino';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Channels } from '../channel/channels.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { OwnEnd } from './engine-end.ts';
import { tunnelEnvelopes } from './envelopes.ts';
import type { Ledger, StopReason } from './ledger.ts';
import { type Session, viewOf } from './session.ts';
import type { TunnelSession } from './tunnels.ts';

export interface OpenSessionsParts {
  readonly clock: Clock;
  readonly keys: Pick<KeyRing, 'signingKey'>;
  readonly channels: Channels;
  readonly end: OwnEnd;
  readonly ledger: Ledger;
  readonly log: Logger;
}

type Listener = (guid: string, session: TunnelSession | undefined) => void;

export class OpenSessions {
  readonly #parts: OpenSessionsParts;
  readonly #sessions = new Map<string, Session>();
  readonly #envelopes: ReturnType<typeof tunnelEnvelopes>;
  readonly #listeners = new Set<Listener>();

  constructor(parts: OpenSessionsParts) {
    this.#parts = parts;
    this.#envelopes = tunnelEnvelopes(parts.keys, parts.clock);
  }

  get all(): ReadonlyMap<string, Session> {
    return this.#sessions;
  }

  get(guid: string): Session | undefined {
    return this.#sessions.get(guid);
  }

  add(session: Session): void {
    this.#sessions.set(session.guid, session);
  }

  /** Those whose devices are known by now. */
  get usable(): Session[] {
    return [...this.#sessions.values()].filter(({ publicKey }) => publicKey !== '');
  }

  /** The network, as these sessions want it. Errors: those of OwnEnd.apply. */
  apply(): Promise<void> {
    // Many that were given their addresses in one transaction ask together, and want the same.
    this.#applying ??= Promise.resolve().then(() => {
      this.#applying = undefined;
      return this.#parts.end.apply(this.usable);
    });
    return this.#applying;
  }
  #applying: Promise<void> | undefined;

  /** The same for whoever cannot wait; what fails is logged. */
  applyLater(why: string): void {
    this.apply().catch((error: unknown) =>
      this.#parts.log.error({ err: error, why }, 'the tunnels’ network was not changed'),
    );
  }

  /** A key that two had would be one peer, and no network with it could be made: one device would end all tunnels. */
  demandOwn({ guid, name }: Session, publicKey: string): void {
    const has = (one: Session): boolean => one.publicKey === publicKey || one.probeKey === publicKey;
    let other: Session | undefined;
    for (const one of this.#sessions.values()) if (has(one) && one.guid !== guid) other = one;
    if (!other && publicKey !== this.#parts.end.publicKey) return;
    throw new BorealisError('TUNNEL_FAILED', {
      detail: `${name} says that its WireGuard key is that of ${other?.name ?? 'the engine'}.`,
      next: 'If one was copied from the other, remove tunnel.key of one and start its agent again; else look into it.',
    });
  }

  /** False where its device is not connected. */
  sendOpen(session: Session): boolean {
    const { channels, end, clock } = this.#parts;
    session.openedAt = clock.now();
    const envelope = this.#envelopes.open(session, end);
    return channels.get(session.guid, 'system')?.send({ type: 'TUNNEL', envelope }) ?? false;
  }

  sendClose(which: Pick<Session, 'guid' | 'tunnelId'>): void {
    const envelope = this.#envelopes.close(which);
    this.#parts.channels.get(which.guid, 'system')?.send({ type: 'TUNNEL', envelope });
  }

  /** Packets were seen to pass. Who waits goes on at once: what that one writes shares a transaction with what is kept here. */
  passes(session: Session): void {
    if (session.closed || session.passing) return;
    const first = session.toldAt === 0;
    session.passing = true;
    session.toldAt = this.#parts.clock.now();
    if (first) {
      session.kept = this.#parts.ledger.started(session);
      session.kept.catch((error: unknown) => this.failed(session, error));
    }
    session.ready.resolve();
    this.#tell(session.guid, viewOf(session));
  }

  /** Whoever waits for it hears why. Never rejects. */
  async failed(session: Session, error: unknown): Promise<void> {
    const { log } = this.#parts;
    if (session.closed) return;
    log.warn({ err: error, device: session.name }, 'a tunnel failed');
    session.ready.reject(error);
    await this.end(session, 'failed').catch((failure: unknown) => {
      log.error({ err: failure, device: session.name }, 'a tunnel that failed could not be taken away');
    });
  }

  async end(session: Session, reason: StopReason, by?: string): Promise<void> {
    if (session.closed) return;
    session.closed = true;
    session.passing = false;
    session.grants.clear();
    this.#sessions.delete(session.guid);
    session.ready.reject(new BorealisError('TUNNEL_DOWN', { detail: 'It was taken down.' }));
    this.#tell(session.guid, undefined);
    this.sendClose(session);
    await this.apply();
    if (session.toldAt !== 0) await this.#parts.ledger.stopped(session, reason, by);
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(guid: string, session: TunnelSession | undefined): void {
    for (const listener of this.#listeners) listener(guid, session);
  }
}
