/**
 * The side of the engine that agents see, with a real store and real sockets, and agents that say exactly what a test
 * wants. The listener's part (TLS, certificate, token) is left out: who connects is who the test says.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { WebSocket } from 'ws';
import { encodeBase64url } from '../../src/crypto/base64url.ts';
import { generateEd25519, nodeEd25519 } from '../../src/crypto/ed25519.ts';
import { openEnvelope, sealEnvelope } from '../../src/crypto/envelope.ts';
import { jwkThumbprint } from '../../src/crypto/keys.ts';
import { AuditTrail } from '../../src/daemon/audit/trail.ts';
import type { Call, Caller, OperationName } from '../../src/daemon/capability.ts';
import type { ConnectedAgent } from '../../src/daemon/channel/accept.ts';
import { agentEvents } from '../../src/daemon/channel/agent-events.ts';
import { type ChannelServer, createChannelServer } from '../../src/daemon/channel/server.ts';
import { type Commands, createCommands } from '../../src/daemon/commands/operations.ts';
import { EventLog } from '../../src/daemon/events/log.ts';
import { createInventoryIngest, type InventoryIngest } from '../../src/daemon/inventory/ingest.ts';
import { KeyRing } from '../../src/daemon/keys/key-ring.ts';
import { createTelemetry, type Telemetry } from '../../src/daemon/telemetry/operations.ts';
import { SecurityWatch } from '../../src/daemon/trust/security-watch.ts';
import { COMMAND_TYPE, type CommandClaims, commandClaims, RESULT_TYPE } from '../../src/protocol/command.ts';
import type { Event, EventType } from '../../src/protocol/event.ts';
import { CHANNEL_PROTOCOL, FRAME_MAX_BYTES, type FromAgent, type ToAgent } from '../../src/protocol/frame.ts';
import { type Job, jobOperations } from '../../src/protocol/job.ts';
import type { AgentContext } from '../../src/protocol/scalars.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import type { Clock } from '../../src/sys/clock.ts';

/** Time that passes as it does, and jumps when a test says so. */
export class TurningClock implements Clock {
  #ahead = 0;
  #set = 0;
  now(): number {
    return Date.now() + this.#ahead + this.#set;
  }
  monotonic(): number {
    return performance.now() + this.#ahead;
  }
  advance(ms: number): void {
    this.#ahead += ms;
  }
  /** The time of day alone, as where somebody sets the machine's clock. */
  set(ms: number): void {
    this.#set += ms;
  }
}

export interface TestDevice {
  readonly guid: string;
  readonly name: string;
  readonly context: AgentContext;
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** Resolves once `met` gives something; looks again whenever the event loop has turned. */
export const until = async <T>(
  met: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> => {
  for (;;) {
    const found = await met();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

export class TestAgents {
  readonly directory: string;
  readonly clock: TurningClock;
  readonly store: Store;
  readonly events: EventLog;
  readonly audit: AuditTrail;
  readonly watch: SecurityWatch;
  readonly keys: KeyRing;
  readonly channels: ChannelServer;
  readonly commands: Commands;
  readonly telemetry: Telemetry;
  readonly inventory: InventoryIngest;
  /** Lines of the log that tell of troubles. */
  readonly logged: string[] = [];
  readonly log = pino({ level: 'warn' }, { write: (line) => void this.logged.push(line) });
  /** Every event since the start. */
  readonly told: Event[] = [];
  readonly settings = { heartbeat_seconds: 15, telemetry_seconds: 30, offline_after_seconds: 40 };
  readonly #server: Server;
  readonly #identities = new Map<string, ConnectedAgent>();
  readonly #agents = new Set<TestAgent>();

  private constructor(directory: string, store: Store, clock: TurningClock, keys: KeyRing) {
    this.directory = directory;
    this.store = store;
    this.clock = clock;
    this.keys = keys;
    this.events = new EventLog(clock);
    this.events.subscribe((event) => this.told.push(event));
    this.audit = new AuditTrail(clock);
    const { events, audit, log } = this;
    this.watch = new SecurityWatch({ store, events, audit, clock, log });
    this.channels = createChannelServer({
      store,
      events,
      clock,
      log,
      watch: this.watch,
      config: () => this.settings,
    });
    const { watch, channels } = this;
    this.commands = createCommands({ store, events, clock, log, keys, watch, channels });
    this.telemetry = createTelemetry({ store, clock, log, channels });
    this.inventory = createInventoryIngest({ store, events, log, channels });
    channels.attach(agentEvents({ store, clock, events, log, watch }));
    this.#server = createServer();
    this.#server.on('upgrade', (request, socket, head) => {
      const agent = this.#identities.get(request.url ?? '');
      if (agent) this.channels.accept(request, socket, head, agent);
      else socket.destroy();
    });
  }

  /** `directory` of one before: its store is opened again, as after a crash. `through`: what stands before the store. */
  static async open(
    directory = mkdtempSync(join(tmpdir(), 'borealis-agents-')),
    through: (store: Store) => Store = (store) => store,
  ): Promise<TestAgents> {
    const clock = new TurningClock();
    const store = through(await SqliteStore.open(join(directory, 'borealis.db')));
    const keys = await KeyRing.open(store, join(directory, 'master.key'), clock);
    return new TestAgents(directory, store, clock, keys);
  }

  async start(): Promise<this> {
    this.channels.start();
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async close({ keep = false } = {}): Promise<void> {
    await this.channels.close();
    await this.commands.close();
    await this.telemetry.close();
    await this.inventory.close();
    for (const agent of this.#agents) agent.socket.terminate();
    this.#server.close();
    await this.store.close();
    if (!keep) rmSync(this.directory, { recursive: true, force: true });
  }

  /** Puts a device into the store as an approval would; or gives a device its other context. */
  async enrol(
    name: string,
    { context = 'system', guid }: { context?: AgentContext; guid?: string } = {},
  ): Promise<TestDevice> {
    const { seed, publicKey } = generateEd25519();
    const now = this.clock.now();
    const device = { guid: guid ?? randomUUID(), name, context, seed, publicKey };
    await this.store.write(async (tx) => {
      if (!guid)
        await tx.db
          .insertInto('device')
          .values({
            guid: device.guid,
            name,
            hostname: name,
            fingerprint: randomBytes(16).toString('hex'),
            os: 'linux',
            arch: 'x64',
            site: null,
            tags_json: '{}',
            state: 'active',
            agent_version: '0.0.0',
            address: null,
            token_version: 1,
            clock_offset_ms: null,
            enrolled_at: now,
            revoked_at: null,
            last_seen_at: null,
          })
          .execute();
      await tx.db
        .insertInto('device_context')
        .values({
          guid: device.guid,
          context,
          public_key: encodeBase64url(publicKey),
          certificate_serial: randomBytes(8).toString('hex'),
          previous_serial: null,
          certificate_not_before: now,
          certificate_not_after: now + 30 * 86_400_000,
          enrolled_at: now,
        })
        .execute();
    });
    return device;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where that device connects. */
  path(device: TestDevice): string {
    const path = `/${device.guid}/${device.context}`;
    this.#identities.set(path, {
      guid: device.guid,
      context: device.context,
      deviceName: device.name,
      publicKey: device.publicKey,
      certificateExpiresAt: this.clock.now() + 30 * 86_400_000,
    });
    return path;
  }

  /** Sockets that are open. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  /** A socket of that device, open; nothing has been said yet. */
  async dial(device: TestDevice, protocol = CHANNEL_PROTOCOL): Promise<TestAgent> {
    const { port } = this;
    const path = this.path(device);
    const agent = new TestAgent(
      device,
      new WebSocket(`ws://127.0.0.1:${port}${path}`, protocol),
      this.clock,
      this.keys.signingKey(),
    );
    this.#agents.add(agent);
    agent.socket.once('close', () => this.#agents.delete(agent));
    await once(agent.socket, 'open');
    return agent;
  }

  /** A device that was welcomed. */
  async connect(device: TestDevice): Promise<TestAgent> {
    const agent = await this.dial(device);
    agent.send(agent.hello());
    await agent.next('WELCOME');
    return agent;
  }

  /** A call of an operation by an operator. */
  call(operation: OperationName, user = 'root', signal = new AbortController().signal): Call {
    const caller: Caller = { pid: 1, uid: 0, user, groups: [], role: 'admin' };
    const audit: Call['audit'] = (tx, record) =>
      this.audit.record(tx, { ...record, actor: user, action: operation });
    return { caller, signal, audit };
  }

  /** Runs a command on devices; as operators do, with the defaults filled in. */
  run(
    argv: string[],
    devices: string[],
    rest: { ttl?: number; timeout?: number; context?: AgentContext } = {},
  ): Promise<Job> {
    const { input } = jobOperations['job.create'];
    const parsed = input.parse({ work: { kind: 'command', argv }, devices, ...rest });
    return this.commands.operations['job.create'](parsed, this.call('job.create'));
  }

  show(job: string): Promise<Job> {
    return this.commands.operations['job.show']({ job }, this.call('job.show'));
  }

  /** The job, once it is over. */
  finished(job: string): Promise<Job> {
    return until(async () => {
      const shown = await this.show(job);
      return shown.finished_at !== null && shown;
    });
  }

  /** The first event of the type since the start that `matches`, once there is one. */
  event(type: EventType, matches: (event: Event) => boolean = () => true): Promise<Event> {
    return until(() => this.told.find((event) => event.type === type && matches(event)));
  }
}

export class TestAgent {
  readonly device: TestDevice;
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  /** What came and was not asked for yet. */
  readonly #frames: ToAgent[] = [];
  readonly #clock: Clock;
  readonly #engine: { readonly publicKey: Uint8Array };
  #waiting: (() => void)[] = [];

  constructor(
    device: TestDevice,
    socket: WebSocket,
    clock: Clock,
    engine: { readonly publicKey: Uint8Array },
  ) {
    this.device = device;
    this.#engine = engine;
    this.socket = socket;
    this.#clock = clock;
    socket.on('message', (data) => {
      this.#frames.push(JSON.parse(String(data)) as ToAgent);
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
    socket.on('error', () => {
      // Told by `closed`.
    });
  }

  /** The next command, verified as an agent does. */
  async nextCommand(): Promise<CommandClaims> {
    return this.open((await this.next('COMMAND')).envelope);
  }

  open(envelope: string): CommandClaims {
    const { publicKey } = this.#engine;
    return commandClaims.parse(
      openEnvelope(envelope, { publicKey, typ: COMMAND_TYPE, maxBytes: FRAME_MAX_BYTES }, nodeEd25519).claims,
    );
  }

  /** A RESULT frame. `by` signs it; this device itself unless told otherwise. */
  resultFrame(
    corr_id: string,
    changed: Record<string, unknown> = {},
    by: Pick<TestDevice, 'seed' | 'publicKey'> = this.device,
  ): FromAgent {
    const claims = {
      corr_id,
      guid: this.device.guid,
      state: 'succeeded',
      exit_code: 0,
      error_code: null,
      error: null,
      stdout: 'done\n',
      stderr: '',
      truncated: false,
      value: null,
      started_at: Math.floor(this.#clock.now() / 1000),
      duration_ms: 12,
      ...changed,
    };
    const envelope = sealEnvelope(
      claims,
      { seed: by.seed, kid: jwkThumbprint(by.publicKey), typ: RESULT_TYPE },
      nodeEd25519,
    );
    return { type: 'RESULT', corr_id, envelope };
  }

  /** Takes the next command, accepts it, answers it, waits for the acknowledgement. */
  async obey(changed: Record<string, unknown> = {}): Promise<CommandClaims> {
    const command = await this.nextCommand();
    this.send({ type: 'ACCEPTED', corr_id: command.corr_id });
    this.send(this.resultFrame(command.corr_id, changed));
    await this.next('RESULT_ACK');
    return command;
  }

  hello(changed: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      type: 'HELLO',
      guid: this.device.guid,
      context: this.device.context,
      agent_version: '0.1.0',
      hostname: `${this.device.name}.example`,
      os: 'linux',
      arch: 'x64',
      now: new Date(this.#clock.now()).toISOString(),
      verbs: ['run_command'],
      ...changed,
    };
  }

  send(frame: FromAgent | Record<string, unknown> | string | Buffer): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** The next frame of that type; others that came before it stay. */
  async next<T extends ToAgent['type']>(type: T): Promise<Extract<ToAgent, { type: T }>> {
    for (;;) {
      const index = this.#frames.findIndex((frame) => frame.type === type);
      if (index >= 0) return this.#frames.splice(index, 1)[0] as Extract<ToAgent, { type: T }>;
      await this.#changed();
    }
  }

  /** Whatever came before now is here, once the engine has answered this. */
  async settled(): Promise<readonly ToAgent[]> {
    const t = Math.random();
    this.send({ type: 'PING', t });
    const answered = () => this.#frames.some((frame) => frame.type === 'PONG' && frame.t === t);
    while (!answered() && this.socket.readyState !== WebSocket.CLOSED) await this.#changed();
    return this.#frames;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
