/**
 * The tunnel of this device: opened, changed and closed by signed words of the engine, and by nothing else. One at a time.
 * What an agent that was killed left is healed by the engine's next word, or removed when none comes.
 */
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { BorealisError } from '../../protocol/errors.ts';
import type { TunnelClaims, TunnelOpen, TunnelStateFrame } from '../../protocol/tunnel-session.ts';
import type { Clock } from '../../sys/clock.ts';
import { writeFileDurably } from '../../sys/files.ts';
import type { Uplink } from '../channel.ts';
import type { Credentials } from '../credentials.ts';
import type { AgentLog } from '../log.ts';
import type { SeenTokens } from '../port/seen-tokens.ts';
import { refuseWord } from '../refused-word.ts';
import { Telling } from '../telling.ts';
import type { CommandTrust } from '../verify.ts';
import type { DeviceEnd, Way } from './device-end.ts';
import { verifyTunnel } from './envelope.ts';
import type { TunnelListener } from './listener.ts';
import { Transport } from './transport.ts';

/** Seconds between keepalives to the engine: keeps the way back open through a NAT. */
const KEEPALIVE = 25;
/** Between two looks whether the firewall is there. */
const GUARD_MS = 1_000;
/** How long what a killed agent left may wait for the engine's word. */
const LEFT_OVER_MS = 60_000;

export interface TunnelsParts {
  readonly trust: CommandTrust;
  readonly credentials: Credentials;
  readonly end: DeviceEnd;
  readonly publicKey: string;
  readonly seen: SeenTokens;
  /** Says that there is an interface of ours. */
  readonly sessionFile: string;
  readonly uplink: Uplink;
  readonly listener: TunnelListener;
  readonly clock: Clock;
  readonly log: AgentLog;
}

interface Standing {
  claims: TunnelOpen;
  endpoint: string;
  transport: Transport;
  lease: NodeJS.Timeout | undefined;
  guard: NodeJS.Timeout | undefined;
}

export class AgentTunnels {
  readonly #parts: TunnelsParts;
  readonly #telling: Telling;
  #standing: Standing | undefined;
  #leftOver: NodeJS.Timeout | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(parts: TunnelsParts) {
    this.#parts = parts;
    this.#telling = new Telling(parts.clock);
  }

  /** For HELLO. */
  get publicKey(): string {
    return this.#parts.publicKey;
  }

  get standing(): { readonly tunnelId: string; readonly transport: 'udp' | 'relay' } | undefined {
    const { claims, transport } = this.#standing ?? {};
    return claims && transport && { tunnelId: claims.tunnel_id, transport: transport.current };
  }

  async start(): Promise<void> {
    const { seen, clock, sessionFile } = this.#parts;
    await seen.open(clock.now());
    // The agent before had a tunnel when it ended.
    if (existsSync(sessionFile))
      this.#leftOver = setTimeout(() => void this.#serially(() => this.#removeLeftOver()), LEFT_OVER_MS);
  }

  /** A word of the engine, not verified yet. Never throws. */
  order(envelope: string): void {
    void this.#serially(async () => {
      let claims: TunnelClaims;
      try {
        const now = this.#parts.clock.now();
        claims = verifyTunnel(envelope, this.#parts.trust, now);
        await this.#parts.seen.use(claims, claims.tunnel_id, now);
      } catch (error) {
        refuseWord(error, { ...this.#parts, telling: this.#telling });
        return;
      }
      if (this.#closed) return;
      if (claims.action === 'open') await this.#open(claims);
      else if (claims.tunnel_id === this.#standing?.claims.tunnel_id) await this.#take('down', null);
    });
  }

  /** There is a channel again: the engine may have taken the tunnel down meanwhile, and says so when it hears of it. */
  online(): void {
    this.#standing?.transport.engineBack();
    this.#tell('up', null);
  }

  /** The engine has said that this device may have none any more. */
  forbid(): void {
    if (this.#standing) void this.#serially(() => this.#take('down', null));
  }

  /** Nothing of it is left when this resolves. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#leftOver);
    await this.#serially(() => this.#take('down', null));
    await this.#parts.seen.close();
  }

  async #open(claims: TunnelOpen): Promise<void> {
    const { end, log } = this.#parts;
    try {
      if (this.#standing && this.#standing.claims.tunnel_id !== claims.tunnel_id)
        await this.#take('down', null);
      clearTimeout(this.#leftOver);
      const endpoint = await this.#endpointOf(claims);
      const standing = this.#standing;
      if (standing) {
        const before = standing.claims;
        standing.claims = claims;
        standing.transport.engineBack();
        if (!sameWay(before, claims, standing.endpoint, endpoint)) await this.#repoint(standing, endpoint);
        else if (!samePorts(before, claims)) await end.apply(claims, this.#wayOf(standing));
      } else await this.#stand(claims, endpoint);
      this.#renewLease();
      this.#tell('up', null);
    } catch (error) {
      log.warn({ err: error }, 'the tunnel could not be opened');
      await this.#take('failed', asError(error), claims.tunnel_id);
    }
  }

  async #stand(claims: TunnelOpen, endpoint: string): Promise<void> {
    const { end, sessionFile, listener, log } = this.#parts;
    const before = await Promise.allSettled([
      end.demandPossible(claims),
      writeFileDurably(sessionFile, `${claims.tunnel_id}\n`, { mode: 0o600 }),
    ]);
    for (const of of before) if (of.status === 'rejected') throw of.reason;
    await end.apply(claims, { endpoint, keepalive: KEEPALIVE });
    const transport = this.#transportTo(claims, endpoint);
    const guard = setInterval(() => void this.#serially(() => this.#guard()), GUARD_MS);
    this.#standing = { claims, endpoint, transport, lease: undefined, guard };
    transport.start();
    const { tunnel_id: tunnelId, device_address: deviceAddress, engine_address: engineAddress } = claims;
    listener.up({ tunnelId, deviceAddress, engineAddress });
    log.info({ tunnel: tunnelId, address: deviceAddress }, 'the tunnel is up');
  }

  /** Who flushes all tables of nftables takes it away, and the engine would reach every port. */
  async #guard(): Promise<void> {
    const { end, log } = this.#parts;
    const standing = this.#standing;
    if (!standing || (await end.guarded())) return;
    log.error({}, 'the firewall of the tunnel was taken away');
    await end.apply(standing.claims, this.#wayOf(standing));
  }

  #transportTo({ engine_key: engineKey }: TunnelOpen, endpoint: string): Transport {
    const { credentials, clock, log, end } = this.#parts;
    return new Transport({
      credentials,
      clock,
      log,
      endpoint,
      engineKey,
      peer: () => end.peer(),
      // Not in its turn: who closes a transport waits for it in a turn of its own. The network takes one after the other.
      point: async (to: string | null, keepalive: number) => {
        const standing = this.#standing;
        if (!standing || this.#closed) return;
        this.#way = { endpoint: to, keepalive };
        await end.apply(standing.claims, this.#way);
      },
      onChange: (transport: 'udp' | 'relay') => {
        log.info({ transport }, 'the tunnel takes another way');
        this.#tell('up', null);
      },
    });
  }

  /** Where WireGuard sends now, if not directly. */
  #way: Way | undefined;

  #wayOf({ endpoint }: Standing): Way {
    return this.#way ?? { endpoint, keepalive: KEEPALIVE };
  }

  /** The engine moved, or we did. */
  async #repoint(standing: Standing, endpoint: string): Promise<void> {
    await standing.transport.close();
    this.#way = undefined;
    standing.endpoint = endpoint;
    standing.transport = this.#transportTo(standing.claims, endpoint);
    await this.#parts.end.apply(standing.claims, this.#wayOf(standing));
    standing.transport.start();
  }

  async #take(state: 'down' | 'failed', error: BorealisError | null, tunnelId?: string): Promise<void> {
    const { end, listener, sessionFile, log } = this.#parts;
    const standing = this.#standing;
    const id = standing?.claims.tunnel_id ?? tunnelId;
    this.#standing = undefined;
    this.#way = undefined;
    clearTimeout(standing?.lease);
    clearInterval(standing?.guard);
    if (standing) {
      listener.down();
      await standing.transport.close();
    }
    if (standing || tunnelId !== undefined) {
      try {
        await end.remove();
        await rm(sessionFile, { force: true });
      } catch (failure) {
        // The file stays: the next start tries again.
        log.error({ err: failure }, 'the tunnel could not be removed');
      }
    }
    if (id !== undefined) this.#send(id, state, error, 'udp');
  }

  async #removeLeftOver(): Promise<void> {
    const { end, sessionFile, log } = this.#parts;
    if (this.#standing) return;
    try {
      await end.remove();
      await rm(sessionFile, { force: true });
      log.info({}, 'the tunnel that an agent before had left was removed');
    } catch (error) {
      log.error({ err: error }, 'what an agent before had left of a tunnel could not be removed');
    }
  }

  #renewLease(): void {
    const standing = this.#standing;
    if (!standing) return;
    clearTimeout(standing.lease);
    standing.lease = setTimeout(() => {
      this.#parts.log.warn({}, 'the engine has not spoken of the tunnel for its whole lease; it is closed');
      void this.#serially(() => this.#take('down', null));
    }, standing.claims.lease_seconds * 1_000);
  }

  /** A name is resolved once for each word: WireGuard wants an address. */
  async #endpointOf({ endpoint: { host, port } }: TunnelOpen): Promise<string> {
    const name = host ?? this.#parts.credentials.membership.address.host;
    const address = isIP(name) ? name : (await lookup(name)).address;
    return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  }

  #tell(state: TunnelStateFrame['state'], error: BorealisError | null): void {
    const standing = this.#standing;
    if (standing) this.#send(standing.claims.tunnel_id, state, error, standing.transport.current);
  }

  #send(
    tunnelId: string,
    state: TunnelStateFrame['state'],
    error: BorealisError | null,
    transport: 'udp' | 'relay',
  ): void {
    this.#parts.uplink.send({
      type: 'TUNNEL_STATE',
      tunnel_id: tunnelId,
      state,
      public_key: this.#parts.publicKey,
      transport,
      error_code: error?.code ?? null,
      error: error?.detail ?? error?.message ?? null,
    });
  }

  /** One change after the other; what fails is logged and ends nothing. */
  #serially(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work).catch((error: unknown) => {
      this.#parts.log.error({ err: error }, 'the tunnel could not be changed');
    });
    this.#turn = turn;
    return turn;
  }
}

const asError = (error: unknown): BorealisError =>
  error instanceof BorealisError ? error : new BorealisError('INTERNAL', { cause: error });

const samePorts = (a: TunnelOpen, b: TunnelOpen): boolean =>
  JSON.stringify(a.allowed_ports) === JSON.stringify(b.allowed_ports) &&
  a.device_address === b.device_address &&
  a.engine_address === b.engine_address;

const sameWay = (a: TunnelOpen, b: TunnelOpen, endpoint: string, now: string): boolean =>
  a.engine_key === b.engine_key && endpoint === now;
