/** Two duties in one process: their addresses, datagrams and clients are kept in memory; time is real. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { Duty } from '../../../src/agent/ha/duty.ts';
import { HookedAddress } from '../../../src/agent/ha/hook.ts';
import { SwitchLog } from '../../../src/agent/ha/switch-log.ts';
import type { Datagrams, FloatingAddress } from '../../../src/ha/platform.ts';
import { SHORTEST_LEASE, Voter } from '../../../src/ha/voter.ts';
import { answerTo } from '../../../src/ha/voting.ts';
import type { HaSwitch, HostedHa } from '../../../src/protocol/bastion.ts';
import { systemClock } from '../../../src/sys/clock.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';

export const NORTH = '11111111-1111-4111-8111-111111111111';
export const SOUTH = '22222222-2222-4222-8222-222222222222';
const clock = systemClock;

/** What the kernel does with an address that has a lifetime. */
class Address implements FloatingAddress {
  readonly interfaceName = 'eth0';
  readonly ownAddress: string;
  readonly ownHardwareAddress: string;
  until = 0;
  announced = 0;
  broken = false;
  readonly #listeners: ((hardware: string) => void)[] = [];
  constructor(ownAddress: string, hardware: string) {
    this.ownAddress = ownAddress;
    this.ownHardwareAddress = hardware;
  }
  hold(milliseconds: number) {
    if (this.broken) throw new Error('no such interface');
    this.until = clock.monotonic() + milliseconds;
  }
  stuck = false;
  drop() {
    if (this.stuck) throw new Error('no such device');
    this.until = 0;
  }
  isHere() {
    return clock.monotonic() < this.until;
  }
  announce() {
    this.announced += 1;
  }
  stranger: string | undefined;
  probe() {
    const { stranger } = this;
    if (!stranger) return;
    setImmediate(() => {
      for (const tell of this.#listeners) tell(stranger);
    });
  }
  onAnswer(listener: (hardware: string) => void) {
    this.#listeners.push(listener);
  }
  close() {}
}

class Line implements Datagrams {
  readonly port = 51_899;
  other: Line | undefined;
  cut = false;
  /** Messages of this kind are lost. */
  loses = '';
  #listener: ((data: unknown) => void) | undefined;
  send(data: unknown) {
    const { other } = this;
    const text = JSON.stringify(data);
    if (this.loses !== '' && text.startsWith(`{"t":"${this.loses}"`)) return;
    if (other && !this.cut && other.key === this.key) setImmediate(() => other.#listener?.(JSON.parse(text)));
  }
  turnTo() {}
  key = '';
  rekey(key: Buffer) {
    this.key = key.toString('hex');
  }
  onMessage(listener: (data: unknown) => void) {
    this.#listener = listener;
  }
  close() {
    this.#listener = undefined;
    return Promise.resolve();
  }
}

export interface Client {
  readonly publicKey: string;
  readonly endpoint: string;
}

export class Node {
  readonly guid: string;
  readonly address: Address;
  readonly line = new Line();
  duty!: Duty;
  revision = 1;
  /** Of what the engine hears. */
  switches: SwitchLog;
  told = 0;
  /** Clients whose place was known, each time that something was told. */
  readonly counts: number[] = [];
  cleared = 0;
  called: ReadonlyMap<string, string> = new Map();
  /** Where this node saw clients before it was in a pair. */
  seenBefore: ReadonlyMap<string, string> = new Map();
  toEngine = true;
  /** Milliseconds of its wall clock. */
  clockAhead = 0;
  /** Moves the address as well, where it is given. */
  hook: string | null = null;
  readonly #pair: Pair;

  constructor(pair: Pair, guid: string, number: number) {
    this.#pair = pair;
    this.guid = guid;
    this.address = new Address(`192.0.2.${number}`, `52:54:00:00:00:0${number}`);
    this.switches = new SwitchLog(join(pair.directory, `${number}.json`));
  }

  begin(): void {
    const { guid, address: inner, line, switches, hook } = this;
    const pair = this.#pair;
    const ha: HostedHa = {
      address: '192.0.2.10/24',
      interface: null,
      self: guid,
      other: guid === NORTH ? SOUTH : NORTH,
      other_endpoint: null,
      port: 51_899,
      key: randomBytes(32).toString('base64url'),
      preferred: guid === NORTH,
      lease: SHORTEST_LEASE,
      driver: hook === null ? 'own' : 'hook',
      hook,
      router_id: 51,
    };
    const log = pino({ level: 'silent' });
    const facts = { BOREALIS_VPN: 'office', BOREALIS_NODE: ha.self, BOREALIS_OTHER: ha.other };
    const address =
      hook === null
        ? inner
        : new HookedAddress({ inner, call: { path: hook, address: ha.address, facts }, log });
    this.duty = new Duty({
      ha,
      revision: () => this.revision,
      address,
      datagrams: line,
      switches,
      service: {
        // A client answers whoever has the address.
        peers: () =>
          Promise.resolve(
            pair.clients.map(({ publicKey, endpoint }) => ({
              publicKey,
              endpoint: this.duty.isHolder ? endpoint : null,
              lastHandshake: this.duty.isHolder ? 1_790_000_000 : null,
              receivedBytes: this.called.has(publicKey) && inner.isHere() ? 1_000 : 0,
            })),
          ),
        places: () => this.seenBefore,
        learnPlaces: (endpoints) => {
          this.seenBefore = new Map([...this.seenBefore, ...endpoints]);
        },
        clients: () => new Set(pair.clients.map(({ publicKey }) => publicKey)),
        startHandshakes: (endpoints) => {
          this.called = endpoints;
          return Promise.resolve();
        },
        settle: () => Promise.resolve(),
        clearSessions: () => {
          this.cleared += 1;
          this.called = new Map();
          return Promise.resolve();
        },
      },
      ask: (from, message) => {
        if (!this.toEngine) return;
        const answer = answerTo(pair.witness, from, message, clock.monotonic());
        if (answer) setImmediate(() => this.duty.vote('witness', answer.message));
      },
      told: () => {
        this.told += 1;
        this.counts.push(this.duty.state.endpoints);
      },
      clock: { now: () => clock.now() + this.clockAhead, monotonic: () => clock.monotonic() },
      log,
    });
    this.duty.start();
  }

  get history(): readonly HaSwitch[] {
    return this.switches.all;
  }
}

export class Pair {
  readonly directory = mkdtempSync(join(tmpdir(), 'borealis-pair-'));
  readonly clients: Client[] = Array.from({ length: 3 }, (_, at) => ({
    publicKey: generateKeyPair().publicKey,
    endpoint: `198.51.100.${at + 1}:40000`,
  }));
  witness = new Voter({ ...SHORTEST_LEASE, promise: 0 }, clock.monotonic());
  readonly north = new Node(this, NORTH, 1);
  readonly south = new Node(this, SOUTH, 2);

  constructor() {
    this.witness = new Voter(SHORTEST_LEASE, clock.monotonic());
    this.north.line.other = this.south.line;
    this.south.line.other = this.north.line;
  }

  begin(): void {
    this.north.begin();
    this.south.begin();
  }

  get holders(): Node[] {
    return [this.north, this.south].filter(({ address }) => address.isHere());
  }

  async close(): Promise<void> {
    await Promise.all([this.north, this.south].map(({ duty }) => duty?.close()));
    // A switch may be on its way to the disk still.
    rmSync(this.directory, { recursive: true, maxRetries: 10, retryDelay: 50 });
  }
}
