/**
 * The open tunnels: one a device, shared by its operators. Brought up on demand, torn down when nobody uses it, taken up
 * again after a restart of either side. Which packets pass is WireGuard's and the firewall's business (engine-end.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { BorealisError } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Channels } from '../channel/channels.ts';
import type { ChannelConsumer } from '../channel/consumer.ts';
import type { EventLog } from '../events/log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { bringUp, offline, UP_MS } from './bring-up.ts';
import { deviceWords } from './device-words.ts';
import type { OwnEnd } from './engine-end.ts';
import { gather } from './gather.ts';
import { Handshakes } from './handshakes.ts';
import { Ledger, type StopReason } from './ledger.ts';
import { OpenSessions } from './open-sessions.ts';
import { Rounds } from './rounds.ts';
import {
  demandAllowed,
  type Grant,
  isAllowed,
  newSession,
  readiness,
  type Session,
  viewOf,
} from './session.ts';
import { takenUp } from './take-up.ts';
import type { Allowance, DirectUser, TunnelSession, Tunnels } from './tunnels.ts';
import { Upkeep } from './upkeep.ts';

/** That one who asks for it waits at most; longer than it takes to fail by itself. */
const WAIT_MS = 20_000;
/** For a device to say that it has done what it was sent. */
const SETTLED_MS = 5_000;

/** Within which those that are brought up get their addresses together. */
const GATHER_MS = 50;

export interface SessionsParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly keys: Pick<KeyRing, 'signingKey'>;
  readonly channels: Channels;
  readonly end: OwnEnd;
  readonly idleMs: () => number;
  readonly log: Logger;
}

export class Sessions implements Tunnels {
  /** What agents say. */
  readonly consumer: ChannelConsumer;
  readonly #parts: SessionsParts;
  /** Those that are being brought up. */
  readonly #beginning = new Set<AbortController>();
  readonly #ledger: Ledger;
  readonly #open: OpenSessions;
  readonly #handshakes: Handshakes;
  readonly #upkeep: Upkeep;
  readonly #rounds: Rounds;
  readonly #together: () => Promise<void>;

  constructor(parts: SessionsParts) {
    const ledger = new Ledger(parts.store, parts.events);
    const open = new OpenSessions({ ...parts, ledger });
    const handshakes = new Handshakes({
      ...parts,
      sessions: open.all,
      passes: (session) => open.passes(session),
      patienceMs: UP_MS,
    });
    const upkeep = new Upkeep({ ...parts, makeAnew: () => this.#makeAnew(), apply: () => open.apply() });
    this.consumer = deviceWords(open);
    this.#together = gather(GATHER_MS, parts.clock);
    this.#parts = parts;
    this.#ledger = ledger;
    this.#open = open;
    this.#handshakes = handshakes;
    this.#upkeep = upkeep;
    this.#rounds = new Rounds({ ...parts, open, ledger, handshakes, upkeep });
  }

  get all(): ReadonlyMap<string, Session> {
    return this.#open.all;
  }

  /** Takes up what was open when the engine ended. */
  async start(): Promise<void> {
    const { end, log } = this.#parts;
    for (const session of await takenUp(this.#parts)) this.#open.add(session);
    try {
      if (this.all.size > 0) await end.apply(this.#open.usable);
      else await end.removeLeftOver();
    } catch (error) {
      // Without its network the engine does everything else.
      log.warn({ err: error, tunnels: this.all.size }, 'tunnels could not be taken up');
      for (const session of this.all.values()) await this.#open.end(session, 'failed');
    }
    this.#rounds.start();
    if (this.all.size > 0) this.#handshakes.look();
  }

  /** The network goes; the sessions are kept, for the next start. */
  async close(): Promise<void> {
    this.#rounds.stop();
    for (const beginning of this.#beginning) beginning.abort();
    await this.#handshakes.stop();
    await this.#upkeep.settled();
    for (const session of this.all.values())
      session.ready.reject(new BorealisError('ENGINE_STARTING', { detail: 'It is going away.' }));
    await this.#parts.end.remove();
  }

  // Tunnels

  async open(guid: string, by: DirectUser): Promise<TunnelSession> {
    const session = this.#open.get(guid) ?? this.#begin(guid, by);
    await this.#whenReady(session);
    if (session.closed) {
      await session.kept; // where it was taken down because that failed, that is why
      throw new BorealisError('TUNNEL_DOWN');
    }
    const now = this.#parts.clock.now();
    session.usedAt = now;
    // Who brought it up was stored with that.
    if (session.operators.has(by.user) && now - session.storedAt < UP_MS) return viewOf(session);
    session.operators.add(by.user);
    session.storedAt = now;
    await this.#ledger.keep(session);
    return viewOf(session);
  }

  #begin(guid: string, { user }: DirectUser): Session {
    // In the map at once: who comes meanwhile waits for the same.
    const unknown = { name: '', address: '', ports: [], publicKey: '' };
    const session = newSession({ guid, ...unknown, now: this.#parts.clock.now() });
    session.operators.add(user);
    this.#open.add(session);
    const parts = {
      ...this.#parts,
      open: this.#open,
      handshakes: this.#handshakes,
      together: this.#together,
    };
    const beginning = new AbortController();
    this.#beginning.add(beginning);
    bringUp(session, parts, beginning.signal)
      .catch((error: unknown) => this.#open.failed(session, error))
      .finally(() => {
        this.#beginning.delete(beginning);
        beginning.abort();
      });
    return session;
  }

  /** One that was taken up after a restart waits for its device as long as it may; who asks for it now does not. */
  async #whenReady(session: Session): Promise<void> {
    if (session.passing) return;
    const waiting = new AbortController();
    const limit = sleep(WAIT_MS, undefined, { signal: waiting.signal, ref: false }).then(
      () => {
        if (!this.#parts.channels.get(session.guid, 'system')) throw offline(session.name);
        throw new BorealisError('TUNNEL_FAILED', {
          detail: `${session.name} has its tunnel, but was not heard through it for ${WAIT_MS / 1000} s.`,
          next: `Make it anew: borealisctl tunnel disconnect ${session.name}`,
        });
      },
      () => undefined, // it is up, or failed: nobody waits any more
    );
    await Promise.race([session.ready.promise, limit]).finally(() => waiting.abort());
  }

  /** Resolves when the next engine would take it up. Errors: those of Store.write. */
  async kept(guid: string): Promise<void> {
    await this.#open.get(guid)?.kept;
  }

  current(guid: string): TunnelSession | undefined {
    const session = this.#open.get(guid);
    return session?.passing ? viewOf(session) : undefined;
  }

  used(guid: string, _bytes: number): void {
    const session = this.#open.get(guid);
    if (session) session.usedAt = this.#parts.clock.now();
  }

  async allow(guid: string, to: DirectUser, port: number): Promise<Allowance> {
    const session = this.#open.get(guid);
    if (!session) throw new BorealisError('TUNNEL_DOWN');
    demandAllowed(session, port);
    const grant: Grant = { uid: to.uid, port, withdrawn: Promise.withResolvers() };
    session.grants.add(grant);
    session.operators.add(to.user);
    const close = (): void => {
      if (!session.grants.delete(grant) || session.closed) return;
      this.#open.applyLater('a port that an operator no longer holds');
    };
    try {
      await this.#open.apply();
    } catch (error) {
      close();
      throw error;
    }
    return { close, withdrawn: grant.withdrawn.promise };
  }

  onChange(listener: (guid: string, session: TunnelSession | undefined) => void): () => void {
    return this.#open.onChange(listener);
  }

  // What operators change

  /** False where there was none. */
  async disconnect(guid: string, reason: StopReason, by?: string): Promise<boolean> {
    const session = this.#open.get(guid);
    if (!session) return false;
    await this.#open.end(session, reason, by);
    return true;
  }

  /** Of a live tunnel: in force on both sides when this resolves here; the device is told. */
  async portsChanged(guid: string, ports: readonly string[]): Promise<void> {
    const session = this.#open.get(guid);
    if (!session) return;
    session.ports = ports;
    const withdrawn = [...session.grants].filter(({ port }) => !isAllowed(session, port));
    for (const grant of withdrawn) session.grants.delete(grant);
    for (const grant of withdrawn) grant.withdrawn.resolve();
    await this.#open.apply();
    if (!this.#open.sendOpen(session)) return;
    // So that who changed them can use them at once. A device that is slow, or away, does it when it can.
    session.settled ??= Promise.withResolvers();
    await Promise.race([session.settled.promise, sleep(SETTLED_MS, undefined, { ref: false })]);
  }

  /** A relay of the device is open, or no longer. */
  relayed(guid: string, probeKey: string | null): void {
    const session = this.#open.get(guid);
    if (!session || session.probeKey === probeKey) return;
    session.probeKey = probeKey;
    this.#open.applyLater('the key for probes of UDP');
  }

  renamed(guid: string, name: string): void {
    const session = this.#open.get(guid);
    if (session) session.name = name;
  }

  /** Our end was lost, and with it every session of WireGuard: devices that are asked begin new ones. */
  async #makeAnew(): Promise<void> {
    for (const session of this.all.values()) {
      if (!session.passing) continue;
      session.passing = false;
      session.ready = readiness();
    }
    await this.#parts.end.applyAnew(this.#open.usable);
    for (const session of this.#open.usable) this.#open.sendOpen(session);
    this.#handshakes.look();
  }
}
