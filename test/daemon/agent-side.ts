/** What agents meet of the engine, without the local API: trust, enrolment, listener, channels, over a real store. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { type Config, SETTING_KEYS, SETTINGS } from '../../src/config/settings.ts';
import { AuditTrail } from '../../src/daemon/audit/trail.ts';
import type { Call } from '../../src/daemon/capability.ts';
import type { ChannelAcceptor } from '../../src/daemon/channel/accept.ts';
import { type ChannelServer, createChannelServer } from '../../src/daemon/channel/server.ts';
import { createEnrollment, type Enrollment } from '../../src/daemon/enrollment/enrollment.ts';
import { EventLog } from '../../src/daemon/events/log.ts';
import { KeyRing } from '../../src/daemon/keys/key-ring.ts';
import { AgentListener, type ListenerLimits } from '../../src/daemon/listener/server.ts';
import type { Room } from '../../src/daemon/listener/strangers.ts';
import { openTrust, type Trust } from '../../src/daemon/trust/trust.ts';
import type { CreatedCode } from '../../src/protocol/code.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { TurningClock } from './agents.ts';

const defaults = Object.fromEntries(
  SETTING_KEYS.map((key) => [key, SETTINGS[key].schema.parse(undefined)]),
) as Config;

export class AgentSide {
  readonly directory: string;
  readonly store: SqliteStore;
  readonly audit: AuditTrail;
  readonly trust: Trust;
  readonly enrollment: Enrollment;
  readonly listener: AgentListener;
  readonly channels: ChannelServer;

  private constructor(parts: Omit<AgentSide, 'close' | 'newCode' | 'call'>) {
    this.directory = parts.directory;
    this.store = parts.store;
    this.audit = parts.audit;
    this.trust = parts.trust;
    this.enrollment = parts.enrollment;
    this.listener = parts.listener;
    this.channels = parts.channels;
  }

  /** On the store and the port of one before, where they are given. */
  static async start(
    options: {
      clock?: TurningClock;
      directory?: string;
      port?: number;
      config?: Partial<Config>;
      limits?: ListenerLimits;
      room?: Room;
      relay?: ChannelAcceptor;
    } = {},
  ): Promise<AgentSide> {
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'borealis-agents-'));
    const clock = options.clock ?? new TurningClock();
    const config = { current: { ...defaults, enrol_requests_per_minute: 100_000, ...options.config } };
    const log = pino({ level: 'silent' });
    const store = await SqliteStore.open(join(directory, 'borealis.db'));
    const keys = await KeyRing.open(store, join(directory, 'master.key'), clock);
    const audit = new AuditTrail(clock, (head) => head);
    const events = new EventLog(clock);
    const channels = createChannelServer({
      store,
      events,
      clock,
      log,
      watch: { alert: (alert) => trust.watch.alert(alert) },
      config: () => config.current,
    });
    const parts = { store, keys, clock, events, audit, channels, config, log };
    const trust = await openTrust(parts);
    const enrollment = createEnrollment({
      ...parts,
      trust,
      signingKey: keys.signingKey(),
      listening: () => listener.address!,
    });
    const listener = new AgentListener({
      identity: trust.identity,
      authenticator: trust.authenticator,
      routes: [...trust.routes, ...enrollment.routes],
      channels,
      relay: options.relay ?? { accept: (_request, socket) => void socket.destroy() },
      log,
      ...(options.limits && { limits: options.limits }),
      ...(options.room && { room: options.room }),
    });
    const side = new AgentSide({ directory, store, audit, trust, enrollment, listener, channels });
    try {
      await listener.start({ host: '127.0.0.1', port: options.port ?? 0 });
    } catch (error) {
      await side.close();
      throw error;
    }
    channels.start();
    return side;
  }

  /** As an admin would call an operation. */
  get call(): Call {
    return {
      caller: { pid: 1, uid: 0, user: 'root', groups: [], role: 'admin' },
      signal: new AbortController().signal,
      audit: (tx, record) => this.audit.record(tx, { actor: 'root', action: 'test', ...record }),
    };
  }

  /** One that approves by itself. */
  newCode(): Promise<CreatedCode> {
    const input = { uses: 1_000, expires_in: 3_600, auto_approve: true };
    return this.enrollment.operations['code.create'](input, this.call);
  }

  async close({ keep = false } = {}): Promise<void> {
    this.enrollment.close();
    await Promise.all([this.listener.close(), this.channels.close()]);
    await this.store.close();
    if (!keep) rmSync(this.directory, { recursive: true, force: true });
  }
}
