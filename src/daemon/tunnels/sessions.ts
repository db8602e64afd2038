/**
 * The open tunnels: one a device, shared by its operators. Brought up on demand, torn down when nobody uses it, taken up
 * again after a restart of either side. Which packets pass is WireGuard's and the firewall's business (engine-end.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { BorealisError, isErrorCode } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentChannel } from '../channel/agent-channel.ts';
import type { Channels } from '../channel/channels.ts';
import type { ChannelConsumer, FrameOf } from '../channel/consumer.ts';
import type { EventLog } from '../events/log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { forgetSession, giveAddress, keptSessions, readDeviceTunnel } from './book.ts';
import type { OwnEnd } from './engine-end.ts';
import { LEASE_SECONDS, tunnelEnvelopes } from './envelopes.ts';
import { Handshakes } from './handshakes.ts';
import { Ledger, type StopReason } from './ledger.ts';
import {
  demandAllowed,
  type Grant,
  isAllowed,
  newSession,
  readiness,
  type Session,
  viewOf,
} from './session.ts';
import type { DirectUser, TunnelSession, Tunnels } from './tunnels.ts';
import { Upkeep } from './upkeep.ts';

/** From the wish to packets that pass: the device's end, a handshake, and the relay where UDP is blocked. */
const UP_MS = 15_000;
/** That one who asks for it waits at most; longer than it takes to fail by itself. */
const WAIT_MS = 20_000;
const TICK_MS = 1_000;
/** For a device to say that it has done what it was sent. */
const SETTLED_MS = 5_000;
/** How often use is stored and told of. */
const USE_TOLD_MS = 60_000;
/** A third of the lease: two may be lost. */
const REOPEN_MS = (LEASE_SECONDS * 1000) / 3;

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
  readonly #parts: SessionsParts;
  readonly #sessions = new Map<string, Session>();
  readonly #envelopes: ReturnType<typeof tunnelEnvelopes>;
  readonly #listeners = new Set<(guid: string, session: TunnelSession | undefined) => void>();
  readonly #stopping = new AbortController();
  readonly #ledger: Ledger;
  readonly #handshakes: Handshakes;
  readonly #upkeep: Upkeep;
  #tick: NodeJS.Timeout | undefined;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#envelopes = tunnelEnvelopes(parts.keys, parts.clock);
    this.#ledger = new Ledger(parts.store, parts.events);
    this.#handshakes = new Handshakes({
      ...parts,
      sessions: this.#sessions,
      passes: (session) => this.#passes(session),
      patienceMs: UP_MS,
    });
    this.#upkeep = new Upkeep({
      ...parts,
      makeAnew: () => this.#makeAnew(),
      apply: () => this.#parts.end.apply(this.#usable()),
    });
  }

  get all(): ReadonlyMap<string, Session> {
    return this.#sessions;
  }

  /** Takes up what was open when the engine ended. */
  async start(): Promise<void> {
    const { store, clock, end, idleMs, log } = this.#parts;
    const now = clock.now();
    for (const { row, name, address, ports } of await keptSessions(store.read)) {
      if (row.used_at + idleMs() <= now) {
        await store.write((tx) => forgetSession(tx, row.guid));
        continue;
      }
      const session = newSession({ guid: row.guid, name, address, ports, publicKey: row.public_key, now });
      this.#sessions.set(row.guid, {
        ...session,
        tunnelId: row.tunnel_id,
        operators: new Set(JSON.parse(row.operators_json) as string[]),
        startedAt: row.started_at,
        usedAt: row.used_at,
        storedAt: row.used_at,
        toldAt: now,
      });
    }
    try {
      if (this.#sessions.size > 0) await end.apply(this.#sessions);
      else await end.removeLeftOver();
    } catch (error) {
      // Without its network the engine does everything else.
      log.warn({ err: error, tunnels: this.#sessions.size }, 'tunnels could not be taken up');
      for (const session of this.#sessions.values()) await this.#end(session, 'failed');
    }
    this.#tick = setInterval(() => this.#ticked(), TICK_MS);
    if (this.#sessions.size > 0) this.#handshakes.look();
  }

  /** The network goes; the sessions are kept, for the next start. */
  async close(): Promise<void> {
    clearInterval(this.#tick);
    this.#stopping.abort();
    await this.#handshakes.stop();
    await this.#upkeep.settled();
    for (const session of this.#sessions.values())
      session.ready.reject(new BorealisError('ENGINE_STARTING', { detail: 'It is going away.' }));
    await this.#parts.end.remove();
  }

  // Tunnels

  async open(guid: string, by: DirectUser): Promise<TunnelSession> {
    const session = this.#sessions.get(guid) ?? this.#begin(guid, by);
    await this.#whenReady(session);
    if (session.closed) throw new BorealisError('TUNNEL_DOWN');
    const now = this.#parts.clock.now();
    session.usedAt = now;
    // Who brought it up was stored with that.
    if (session.operators.has(by.user) && now - session.storedAt < UP_MS) return viewOf(session);
    session.operators.add(by.user);
    session.storedAt = now;
    await this.#ledger.keep(session);
    return viewOf(session);
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

  current(guid: string): TunnelSession | undefined {
    const session = this.#sessions.get(guid);
    return session?.passing ? viewOf(session) : undefined;
  }

  used(guid: string, _bytes: number): void {
    const session = this.#sessions.get(guid);
    if (session) session.usedAt = this.#parts.clock.now();
  }

  async allow(guid: string, to: DirectUser, port: number): Promise<{ close(): void }> {
    const session = this.#sessions.get(guid);
    if (!session) throw new BorealisError('TUNNEL_DOWN');
    demandAllowed(session, port);
    const grant: Grant = { uid: to.uid, port };
    session.grants.add(grant);
    session.operators.add(to.user);
    const close = (): void => {
      if (!session.grants.delete(grant) || session.closed) return;
      this.#apply('a port that an operator no longer holds');
    };
    try {
      await this.#parts.end.apply(this.#usable());
    } catch (error) {
      close();
      throw error;
    }
    return { close };
  }

  onChange(listener: (guid: string, session: TunnelSession | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // What operators change

  /** False where there was none. */
  async disconnect(guid: string, reason: StopReason, by?: string): Promise<boolean> {
    const session = this.#sessions.get(guid);
    if (!session) return false;
    await this.#end(session, reason, by);
    return true;
  }

  /** Of a live tunnel: in force on both sides when this resolves here; the device is told. */
  async portsChanged(guid: string, ports: readonly string[]): Promise<void> {
    const session = this.#sessions.get(guid);
    if (!session) return;
    session.ports = ports;
    for (const grant of session.grants) if (!isAllowed(session, grant.port)) session.grants.delete(grant);
    await this.#parts.end.apply(this.#usable());
    if (!this.#sendOpen(session)) return;
    // So that who changed them can use them at once. A device that is slow, or away, does it when it can.
    session.settled ??= Promise.withResolvers();
    await Promise.race([session.settled.promise, sleep(SETTLED_MS, undefined, { ref: false })]);
  }

  /** A relay of the device is open, or no longer. */
  relayed(guid: string, probeKey: string | null): void {
    const session = this.#sessions.get(guid);
    if (!session || session.probeKey === probeKey) return;
    session.probeKey = probeKey;
    this.#apply('the key for probes of UDP');
  }

  renamed(guid: string, name: string): void {
    const session = this.#sessions.get(guid);
    if (session) session.name = name;
  }

  // What agents say

  get consumer(): ChannelConsumer {
    return {
      onReady: (channel) => this.#agentBack(channel),
      frames: { TUNNEL_STATE: (channel, frame) => this.#told(channel, frame) },
    };
  }

  #agentBack(channel: AgentChannel): void {
    if (channel.context !== 'system') return;
    const session = this.#sessions.get(channel.guid);
    if (!session) return;
    if (channel.wireguardKey !== null && channel.wireguardKey !== session.publicKey)
      this.#rekeyed(session, channel.wireguardKey);
    this.#sendOpen(session);
  }

  #told(channel: AgentChannel, frame: FrameOf<'TUNNEL_STATE'>): void {
    const session = this.#sessions.get(channel.guid);
    if (channel.context !== 'system') return;
    if (session?.tunnelId !== frame.tunnel_id) {
      // It was taken down while the device could not hear of it.
      if (frame.state === 'up') {
        const envelope = this.#envelopes.close({ guid: channel.guid, tunnelId: frame.tunnel_id });
        channel.send({ type: 'TUNNEL', envelope });
      }
      return;
    }
    if (frame.state === 'failed') {
      const code =
        frame.error_code !== null && isErrorCode(frame.error_code) ? frame.error_code : 'TUNNEL_FAILED';
      const error = new BorealisError(code, {
        detail: `${session.name} says: ${frame.error ?? 'it could not be made.'}`,
      });
      void this.#failed(session, error);
    } else if (frame.state === 'down') session.passing = false;
    if (frame.state !== 'up') return;
    session.settled?.resolve();
    session.settled = undefined;
    if (frame.public_key !== null && frame.public_key !== session.publicKey)
      this.#rekeyed(session, frame.public_key);
  }

  #rekeyed(session: Session, publicKey: string): void {
    try {
      this.#demandOwn(session, publicKey);
    } catch (error) {
      void this.#failed(session, error);
      return;
    }
    session.publicKey = publicKey;
    this.#apply('a device with a new key');
  }

  /** A key that two had would be one peer, and no network with it could be made: one device would end all tunnels. */
  #demandOwn({ guid, name }: Session, publicKey: string): void {
    const others = [...this.#sessions.values()].filter((session) => session.guid !== guid);
    const other = others.find((session) => session.publicKey === publicKey || session.probeKey === publicKey);
    if (!other && publicKey !== this.#parts.end.publicKey) return;
    throw new BorealisError('TUNNEL_FAILED', {
      detail: `${name} says that its WireGuard key is that of ${other?.name ?? 'the engine'}.`,
      next: 'If one was copied from the other, remove tunnel.key of one and start its agent again; else look into it.',
    });
  }

  // From wish to packets

  #begin(guid: string, { user }: DirectUser): Session {
    // In the map at once: who comes meanwhile waits for the same.
    const session = newSession({
      guid,
      name: '',
      address: '',
      ports: [],
      publicKey: '',
      now: this.#parts.clock.now(),
    });
    session.operators.add(user);
    this.#sessions.set(guid, session);
    this.#bringUp(session).catch((error: unknown) => this.#failed(session, error));
    return session;
  }

  async #bringUp(session: Session): Promise<void> {
    const { store, channels, end } = this.#parts;
    const { guid } = session;
    const device = await store.read
      .selectFrom('device')
      .select(['name', 'state'])
      .where('guid', '=', guid)
      .executeTakeFirst();
    if (!device) throw new BorealisError('DEVICE_NOT_FOUND');
    session.name = device.name;
    if (device.state !== 'active')
      throw new BorealisError('DEVICE_STATE_CONFLICT', { detail: `${device.name} is ${device.state}.` });
    const channel = channels.get(guid, 'system');
    if (!channel) throw offline(device.name);
    if (channel.wireguardKey === null)
      throw new BorealisError('TUNNEL_UNSUPPORTED', { detail: `${device.name} is meant.` });
    const ports = (await readDeviceTunnel(store.read, guid)).ports;
    const address = await store.write((tx) => giveAddress(tx, guid, end.addresses));
    this.#demandOwn(session, channel.wireguardKey);
    Object.assign(session, { address, ports, publicKey: channel.wireguardKey });
    // First our end, so that the device's first handshake finds it: WireGuard tries again only after five seconds.
    await end.apply(this.#usable());
    if (!this.#sendOpen(session)) throw offline(device.name);
    const limit = sleep(UP_MS, 'late', { signal: this.#stopping.signal, ref: false });
    this.#handshakes.look();
    if (
      (await Promise.race([session.ready.promise, limit.catch(() => 'late')])) === 'late' &&
      !session.passing
    ) {
      throw new BorealisError('TUNNEL_FAILED', {
        detail: `No handshake of ${device.name} came within ${UP_MS / 1000} s, neither by UDP nor through the channel.`,
      });
    }
  }

  /** Our end was lost, and with it every session of WireGuard: devices that are asked begin new ones. */
  async #makeAnew(): Promise<void> {
    for (const session of this.#sessions.values()) {
      if (!session.passing) continue;
      session.passing = false;
      session.ready = readiness();
    }
    await this.#parts.end.applyAnew(this.#usable());
    for (const session of this.#usable().values()) this.#sendOpen(session);
    this.#handshakes.look();
  }

  /** Those whose devices are known by now. */
  #usable(): ReadonlyMap<string, Session> {
    return new Map([...this.#sessions].filter(([, { publicKey }]) => publicKey !== ''));
  }

  #sendOpen(session: Session): boolean {
    const { channels, end, clock } = this.#parts;
    session.openedAt = clock.now();
    const envelope = this.#envelopes.open(session, end);
    return channels.get(session.guid, 'system')?.send({ type: 'TUNNEL', envelope }) ?? false;
  }

  async #passes(session: Session): Promise<void> {
    if (session.closed || session.passing) return;
    const first = session.toldAt === 0;
    session.passing = true;
    session.toldAt = this.#parts.clock.now();
    if (first) await this.#ledger.started(session);
    session.ready.resolve();
    this.#tell(session.guid, viewOf(session));
  }

  async #failed(session: Session, error: unknown): Promise<void> {
    const { log } = this.#parts;
    if (session.closed) return;
    log.warn({ err: error, device: session.name }, 'a tunnel failed');
    session.ready.reject(error);
    await this.#end(session, 'failed').catch((failure: unknown) => {
      log.error({ err: failure, device: session.name }, 'a tunnel that failed could not be taken away');
    });
  }

  async #end(session: Session, reason: StopReason, by?: string): Promise<void> {
    const { channels, end } = this.#parts;
    if (session.closed) return;
    session.closed = true;
    session.passing = false;
    session.grants.clear();
    this.#sessions.delete(session.guid);
    session.ready.reject(new BorealisError('TUNNEL_DOWN', { detail: 'It was taken down.' }));
    this.#tell(session.guid, undefined);
    const envelope = this.#envelopes.close(session);
    channels.get(session.guid, 'system')?.send({ type: 'TUNNEL', envelope });
    await end.apply(this.#usable());
    if (session.toldAt !== 0) await this.#ledger.stopped(session, reason, by);
  }

  // Time

  #ticked(): void {
    const { clock, idleMs, log } = this.#parts;
    const now = clock.now();
    this.#upkeep.look();
    for (const session of this.#sessions.values()) {
      if (session.toldAt === 0) continue;
      if (now - session.usedAt >= idleMs()) {
        this.#end(session, 'idle').catch((error: unknown) =>
          log.error({ err: error, device: session.name }, 'an idle tunnel could not be taken down'),
        );
        continue;
      }
      if (now - session.openedAt >= REOPEN_MS) this.#sendOpen(session);
      if (session.usedAt > session.storedAt && now - session.activityAt >= USE_TOLD_MS)
        this.#storeUse(session);
      if (!session.passing) this.#handshakes.look();
    }
  }

  #storeUse(session: Session): void {
    const { clock, log } = this.#parts;
    session.storedAt = session.usedAt;
    session.activityAt = clock.now();
    this.#ledger
      .used(session)
      .catch((error: unknown) => log.error({ err: error }, 'the use of a tunnel was not stored'));
  }

  // Telling

  #apply(why: string): void {
    this.#parts.end
      .apply(this.#usable())
      .catch((error: unknown) =>
        this.#parts.log.error({ err: error, why }, 'the tunnels’ network was not changed'),
      );
  }

  #tell(guid: string, session: TunnelSession | undefined): void {
    for (const listener of this.#listeners) listener(guid, session);
  }
}

const offline = (name: string): BorealisError =>
  new BorealisError('DEVICE_OFFLINE', {
    detail: `The agent of ${name} that runs as root (context system) is not connected.`,
    next: `See when it was last heard: borealisctl device show ${name}`,
  });
