/**
 * The engine's copies over a real local socket and store, an agent's real port with its real copies, and the command's own
 * transfer between them. The tunnel alone is make-believe: an address of the loopback.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { createCopies } from '../../../src/agent/copy/copies.ts';
import { SeenTokens } from '../../../src/agent/port/seen-tokens.ts';
import { AgentPort } from '../../../src/agent/port/server.ts';
import { SeenLog } from '../../../src/agent/seen-log.ts';
import { Client } from '../../../src/client/client.ts';
import { planCopy } from '../../../src/commands/local/copy/endpoints.ts';
import { Tally } from '../../../src/commands/local/copy/tally.ts';
import { type Transferred, transfer } from '../../../src/commands/local/copy/transfer.ts';
import { Output } from '../../../src/commands/manner/output.ts';
import { nodeEd25519 } from '../../../src/crypto/ed25519.ts';
import { Gate } from '../../../src/daemon/api/gate.ts';
import { ApiServer } from '../../../src/daemon/api/server.ts';
import { Refusals } from '../../../src/daemon/audit/refusals.ts';
import { AuditTrail } from '../../../src/daemon/audit/trail.ts';
import { copyOperations } from '../../../src/daemon/copies/operations.ts';
import { EventLog } from '../../../src/daemon/events/log.ts';
import { Callers } from '../../../src/daemon/identity/callers.ts';
import { KeyRing } from '../../../src/daemon/keys/key-ring.ts';
import { portTokens } from '../../../src/daemon/shells/port-token.ts';
import type { Allowance, DirectUser, TunnelSession, Tunnels } from '../../../src/daemon/tunnels/tunnels.ts';
import { Grants } from '../../../src/daemon/users/grants.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import type { Event } from '../../../src/protocol/event.ts';
import { AGENT_PORT } from '../../../src/protocol/tunnel.ts';
import { SqliteStore } from '../../../src/store/sqlite.ts';
import { systemClock } from '../../../src/sys/clock.ts';
import { keptLog } from '../../agent/parts.ts';
import { deviceRow } from '../../store/rows.ts';

export const GUID = '8b1cfd0b-9f33-4a2c-a5c2-1df3a0c0a001';
let nextAddress = process.pid % 60_000;

/** What a command writes, and nobody reads. */
export const silence = (): Output => {
  const color = { stdout: false, stderr: false };
  const size = { width: 80, height: 24 };
  const terminal = { ...size, interactive: false, color, progress: false, canAsk: false };
  return new Output({ json: true, quiet: true, terminal });
};

class LoopTunnels implements Tunnels {
  readonly granted: { readonly uid: number; readonly port: number }[] = [];
  failing = false;
  session: TunnelSession = {
    tunnelId: randomBytes(16).toString('base64url'),
    guid: GUID,
    device: 'web1',
    address: `127.210.${(nextAddress >> 8) & 0xff}.${nextAddress++ & 0xff}`,
  };
  readonly #listeners = new Set<(guid: string, session: TunnelSession | undefined) => void>();

  async open(): Promise<TunnelSession> {
    if (this.failing) throw new BorealisError('DEVICE_OFFLINE');
    return this.session;
  }
  current(): TunnelSession {
    return this.session;
  }
  used(): void {}
  async allow(_guid: string, { uid }: DirectUser, port: number): Promise<Allowance> {
    const grant = { uid, port };
    this.granted.push(grant);
    const close = (): void => void this.granted.splice(this.granted.indexOf(grant), 1);
    return { close, withdrawn: new Promise(() => {}) };
  }
  over(): void {
    for (const listener of this.#listeners) listener(GUID, undefined);
  }
  onChange(listener: (guid: string, session: TunnelSession | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export class CopyLab {
  readonly directory: string;
  readonly tunnels = new LoopTunnels();
  readonly told: Event[] = [];
  readonly agentLog = keptLog();
  readonly store: SqliteStore;
  readonly port: AgentPort;
  readonly client: Client;
  readonly #seen: SeenTokens;
  readonly #api: ApiServer;

  private constructor(directory: string, store: SqliteStore, keys: KeyRing) {
    this.directory = directory;
    this.store = store;
    const clock = systemClock;
    const log = pino({ level: 'silent' });
    const events = new EventLog(clock);
    events.subscribe((event) => this.told.push(event));
    const trail = new AuditTrail(clock);
    const grants = new Grants();
    const peers = { peerOf: () => ({ pid: 1, uid: 4_711, user: 'olaf', groups: [] }) };
    grants.granted({ who: 'olaf', project: '', role: 'operator' });
    const handlers = copyOperations({
      store,
      events,
      tunnels: this.tunnels,
      tokens: portTokens(keys, clock),
    });
    const gate = new Gate(new Callers(peers, grants, 999_999), new Refusals(store, trail, clock), log);
    this.#api = new ApiServer({ handlers, gate, store, trail, log, checkOutput: true });
    const { publicKey: signingKey, keyId: signingKeyId } = keys.signingKey();
    mkdirSync(this.path('home'));
    this.#seen = new SeenTokens(new SeenLog(this.path('seen')));
    this.port = new AgentPort({
      trust: { guid: GUID, context: 'system', signingKey, signingKeyId, ed: nodeEd25519 },
      seen: this.#seen,
      purposes: createCopies({ log: this.agentLog, home: this.path('home') }).purposes,
      uplink: { send: () => true, buffered: 0 },
      clock,
      log: this.agentLog,
    });
    this.client = new Client(this.path('run/s.sock'));
  }

  static async open(): Promise<CopyLab> {
    const directory = mkdtempSync(join(tmpdir(), 'borealis-copies-'));
    const store = await SqliteStore.open(join(directory, 'borealis.db'));
    const keys = await KeyRing.open(store, join(directory, 'master.key'), systemClock);
    const row = deviceRow({ guid: GUID, name: 'web1' });
    await store.write(({ db }) => db.insertInto('device').values(row).execute());
    const lab = new CopyLab(directory, store, keys);
    await lab.#api.start({ path: lab.path('run/s.sock'), gid: null, state: directory });
    await lab.#seen.open(Date.now());
    await lab.agentUp();
    return lab;
  }

  async agentUp(): Promise<void> {
    const { tunnelId, address } = this.tunnels.session;
    this.port.up({ tunnelId, deviceAddress: address, engineAddress: '127.0.0.1' });
    while (this.port.listening?.port !== AGENT_PORT) await new Promise((resolve) => setImmediate(resolve));
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  /** As `borealisctl cp` does it. */
  async cp(operands: readonly string[], change: { tally?: Tally; signal?: AbortSignal } = {}) {
    const out = silence();
    const tally = change.tally ?? new Tally(out);
    const interrupted = change.signal ?? new AbortController().signal;
    const parts = { client: this.client, out, tally, interrupted };
    const transferred: Transferred = await transfer(parts, planCopy(operands));
    return { tally, transferred };
  }

  audit(): Promise<{ actor: string; action: string; target: string | null; detail_json: string | null }[]> {
    return this.store.read
      .selectFrom('audit')
      .select(['actor', 'action', 'target', 'detail_json'])
      .orderBy('seq')
      .execute();
  }

  async close(): Promise<void> {
    this.port.down();
    await this.#api.close();
    await this.#seen.close();
    await this.store.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
