/** Shells of an engine over a real local socket, a real store and real TCP to an agent's port; the tunnels alone are make-believe. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { Gate } from '../../../src/daemon/api/gate.ts';
import { ApiServer } from '../../../src/daemon/api/server.ts';
import { Refusals } from '../../../src/daemon/audit/refusals.ts';
import { AuditTrail } from '../../../src/daemon/audit/trail.ts';
import { EventLog } from '../../../src/daemon/events/log.ts';
import { Callers } from '../../../src/daemon/identity/callers.ts';
import { KeyRing } from '../../../src/daemon/keys/key-ring.ts';
import { Recordings } from '../../../src/daemon/recordings/recordings.ts';
import { createShells, type ShellCapability } from '../../../src/daemon/shells/create.ts';
import type { Allowance, DirectUser, TunnelSession, Tunnels } from '../../../src/daemon/tunnels/tunnels.ts';
import { Grants } from '../../../src/daemon/users/grants.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import type { Event } from '../../../src/protocol/event.ts';
import type { Recording, Shell } from '../../../src/protocol/shell.ts';
import { SqliteStore } from '../../../src/store/sqlite.ts';
import { type DiskUsage, diskUsage } from '../../../src/sys/disk.ts';
import { deviceRow } from '../../store/rows.ts';
import { TurningClock, until } from '../agents.ts';
import { Typist } from '../api/typist.ts';
import { type Answer, callSocket, Watching } from '../engine.ts';
import { PortAgent } from './port-agent.ts';

/** Tunnels that lead over the loopback. */
export class LoopTunnels implements Tunnels {
  readonly opened: DirectUser[] = [];
  usedBytes = 0;
  failing = false;
  readonly #up = new Map<string, TunnelSession>();
  readonly #listeners = new Set<(guid: string, session: TunnelSession | undefined) => void>();
  readonly #address: () => string;

  constructor(address: () => string) {
    this.#address = address;
  }

  async open(guid: string, by: DirectUser): Promise<TunnelSession> {
    this.opened.push(by);
    if (this.failing) throw new BorealisError('TUNNEL_FAILED');
    return this.#up.get(guid) ?? this.up(guid);
  }
  up(guid: string): TunnelSession {
    const session = {
      tunnelId: randomUUID().replaceAll('-', ''),
      guid,
      device: 'web1',
      address: this.#address(),
    };
    this.#up.set(guid, session);
    for (const listener of this.#listeners) listener(guid, session);
    return session;
  }
  down(guid: string): void {
    this.#up.delete(guid);
    for (const listener of this.#listeners) listener(guid, undefined);
  }
  current(guid: string): TunnelSession | undefined {
    return this.#up.get(guid);
  }
  used(_guid: string, bytes: number): void {
    this.usedBytes += bytes;
  }
  async allow(): Promise<Allowance> {
    return { close: () => {}, withdrawn: new Promise(() => {}) };
  }
  onChange(listener: (guid: string, session: TunnelSession | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export const GUID = '8b1cfd0b-9f33-4a2c-a5c2-1df3a0c0a001';
const ACCOUNTS = { root: 0, ada: 4_711, olaf: 4_712, mallory: 4_713 } as const;
export type Who = keyof typeof ACCOUNTS;

export class ShellLab {
  readonly directory: string;
  readonly store: SqliteStore;
  readonly clock = new TurningClock();
  readonly agent: PortAgent;
  readonly tunnels: LoopTunnels;
  readonly events: EventLog;
  readonly told: Event[] = [];
  readonly lines: string[] = [];
  readonly grants = new Grants();
  readonly shells: ShellCapability;
  readonly api: ApiServer;
  readonly keys: KeyRing;
  readonly recordings: Recordings;
  recordShells = true;
  disk: (path: string) => Promise<DiskUsage> = diskUsage;
  /** Who the next connection comes from. */
  #as: Who = 'root';

  private constructor(
    directory: string,
    store: SqliteStore,
    keys: KeyRing,
    agent: PortAgent,
    tunnels?: LoopTunnels,
  ) {
    this.directory = directory;
    this.store = store;
    this.keys = keys;
    this.agent = agent;
    this.tunnels = tunnels ?? new LoopTunnels(() => agent.address);
    const { clock } = this;
    const log = pino({ level: 'debug' }, { write: (line: string) => void this.lines.push(line) });
    this.events = new EventLog(clock);
    this.events.subscribe((event) => this.told.push(event));
    const trail = new AuditTrail(clock);
    this.recordings = new Recordings({
      state: directory,
      keys,
      clock,
      diskUsage: (path) => this.disk(path),
    });
    this.shells = createShells({
      store,
      events: this.events,
      clock,
      keys,
      log,
      tunnels: this.tunnels,
      recordings: this.recordings,
      recordShells: () => this.recordShells,
      port: agent.port,
      backoff: { first: 2, most: 20 },
    });
    const peers = {
      peerOf: () => ({ pid: 1, uid: ACCOUNTS[this.#as], user: this.#as, groups: [] }),
    };
    const gate = new Gate(new Callers(peers, this.grants, 999_999), new Refusals(store, trail, clock), log);
    this.api = new ApiServer({
      handlers: this.shells.operations,
      gate,
      store,
      trail,
      log,
      checkOutput: true,
    });
    this.grants.onChange(() => this.api.recheck());
    this.grants.granted({ who: 'ada', project: '', role: 'viewer' });
    this.grants.granted({ who: 'olaf', project: '', role: 'operator' });
  }

  /** `before`: what an engine left behind, and its agent, which runs on. */
  static async open(before?: {
    directory: string;
    agent: PortAgent;
    tunnels: LoopTunnels;
  }): Promise<ShellLab> {
    const directory = before?.directory ?? mkdtempSync(join(tmpdir(), 'borealis-shells-'));
    const store = await SqliteStore.open(join(directory, 'borealis.db'));
    const keys = await KeyRing.open(store, join(directory, 'master.key'), new TurningClock());
    const agent = before?.agent ?? (await new PortAgent(keys.signingKey().publicKey).start());
    if (!before)
      await store.write(({ db }) =>
        db
          .insertInto('device')
          .values(deviceRow({ guid: GUID, name: 'web1' }))
          .execute(),
      );
    const lab = new ShellLab(directory, store, keys, agent, before?.tunnels);
    await lab.shells.start();
    await lab.api.start({ path: lab.socket, gid: null, state: directory });
    return lab;
  }

  get socket(): string {
    return join(this.directory, 'run', 's.sock');
  }

  async call<T = unknown>(
    method: string,
    path: string,
    body?: object,
    as: Who = 'root',
  ): Promise<Answer & { body: T }> {
    this.#as = as;
    return (await callSocket(this.socket, method, `/api/v1${path}`, body, {
      // Another caller is another connection.
      connection: 'close',
    })) as Answer & { body: T };
  }

  async create(input: object = {}, as: Who = 'root'): Promise<Shell> {
    const answer = await this.call<Shell>('POST', '/shells', { device: 'web1', ...input }, as);
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.body;
  }

  /** Not waited for: whether it is let in is the test's matter. */
  knock(id: string, as: Who = 'root', query = ''): Typist {
    this.#as = as;
    return new Typist(this.socket, `/shells/${id}/attach${query}`);
  }

  /** A viewer that has its first screen. */
  async attach(id: string, as: Who = 'root', query = ''): Promise<Typist> {
    const typist = this.knock(id, as, query);
    await Promise.race([
      typist.until(() => typist.messages.some((message) => Buffer.isBuffer(message))),
      typist.refused.then((answer) => Promise.reject(new Error(answer.text))),
    ]);
    return typist;
  }

  watch(path: string, as: Who = 'root'): Watching {
    this.#as = as;
    return new Watching(this.socket, path);
  }

  async session(id: string): Promise<Recording> {
    return (await this.call<Recording>('GET', `/sessions/${id}`)).body;
  }

  async cast(id: string): Promise<string> {
    return (await this.call('GET', `/sessions/${id}/cast`)).text;
  }

  /** All output in the recording, joined. */
  async recorded(id: string, code = 'o'): Promise<string> {
    const lines = (await this.cast(id)).trimEnd().split('\n').slice(1);
    return lines
      .map((line) => JSON.parse(line) as [number, string, string])
      .filter(([, kind]) => kind === code)
      .map(([, , data]) => data)
      .join('');
  }

  event(type: Event['type'], matches: (event: Event) => boolean = () => true): Promise<Event> {
    return until(() => this.told.find((event) => event.type === type && matches(event)));
  }

  async audit(): Promise<{ actor: string; action: string; target: string | null; result: string }[]> {
    return this.store.read
      .selectFrom('audit')
      .select(['actor', 'action', 'target', 'result', 'detail_json'])
      .orderBy('seq')
      .execute();
  }

  get files(): string[] {
    return readdirSync(join(this.directory, 'recordings'));
  }

  /** What a next engine needs, after this one has ended; or after it was as if killed. */
  async leave(): Promise<{ directory: string; agent: PortAgent; tunnels: LoopTunnels }> {
    await this.#end();
    return { directory: this.directory, agent: this.agent, tunnels: this.tunnels };
  }

  async #end(): Promise<void> {
    await this.api.close();
    await this.shells.close();
    await this.store.close();
  }

  async close(): Promise<void> {
    await this.#end();
    await this.agent.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
