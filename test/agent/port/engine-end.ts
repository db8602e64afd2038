/** The engine's end of connections to an agent's port, for tests: tokens of any kind, frames kept as they come. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll } from 'vitest';
import { SeenTokens } from '../../../src/agent/port/seen-tokens.ts';
import { AgentPort, type AgentPortOptions } from '../../../src/agent/port/server.ts';
import { SeenLog } from '../../../src/agent/seen-log.ts';
import { Shells, type ShellsOptions } from '../../../src/agent/shells/shells.ts';
import type { StandingTunnel } from '../../../src/agent/tunnel/listener.ts';
import { generateEd25519, nodeEd25519 } from '../../../src/crypto/ed25519.ts';
import { type EnvelopeType, sealEnvelope } from '../../../src/crypto/envelope.ts';
import { TO_AGENT_PORT } from '../../../src/protocol/agent-port.ts';
import {
  AgentPortReader,
  decodeFromShell,
  encodeFrame,
  encodeJsonFrame,
  type FromShell,
} from '../../../src/protocol/agent-port-codec.ts';
import type { FromAgent } from '../../../src/protocol/frame.ts';
import { systemClock } from '../../../src/sys/clock.ts';
import { Account } from '../../lab/account.ts';
import { keptLog } from '../parts.ts';

export const GUID = '6f1d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11';
const KEY_ID = 'k'.repeat(43);
let nextNet = 1 + (process.pid % 200);

/** Addresses of the loopback network that no other test of this run uses. */
export const tunnelOfItsOwn = (): StandingTunnel => {
  nextNet += 1;
  const net = `127.${50 + (process.pid % 100)}.${nextNet % 250}`;
  return {
    tunnelId: randomBytes(16).toString('base64url'),
    deviceAddress: `${net}.2`,
    engineAddress: `${net}.1`,
  };
};

let account: Account | null = null;
/** For the head of a test file: its shells are those of an account without a profile, where that can be had. */
export const shellsOfAnAccount = (): void => {
  beforeAll(() => {
    account = Account.make();
  });
  afterAll(() => account?.remove());
};
/** Whose shells they are; null: the agent's own. */
export const accountOfShells = (): string | null => account?.name ?? null;

export type Claims = Record<string, unknown> & { purpose: string };

export class PortLab {
  readonly tunnel = tunnelOfItsOwn();
  readonly keys = generateEd25519();
  readonly log = keptLog();
  readonly told: FromAgent[] = [];
  readonly shells: Shells;
  port: AgentPort;
  seen: SeenTokens;
  readonly #seenPath: string;
  readonly #options: Omit<AgentPortOptions, 'seen'>;
  readonly #ends: EngineEnd[] = [];

  constructor(seenPath: string, change: Partial<AgentPortOptions> = {}, shells: Partial<ShellsOptions> = {}) {
    this.#seenPath = seenPath;
    this.shells = new Shells({ clock: systemClock, log: this.log, lang: 'C.UTF-8', ...shells });
    this.#options = {
      trust: {
        guid: GUID,
        context: 'system',
        signingKey: this.keys.publicKey,
        signingKeyId: KEY_ID,
        ed: nodeEd25519,
      },
      purposes: this.shells.purposes,
      uplink: { send: (frame) => this.told.push(frame) > 0, buffered: 0 },
      clock: systemClock,
      log: this.log,
      port: 0,
      ...change,
    };
    this.seen = new SeenTokens(new SeenLog(seenPath));
    this.port = new AgentPort({ ...this.#options, seen: this.seen });
  }

  async start(): Promise<void> {
    await this.seen.open(Date.now());
    this.port.up(this.tunnel);
    while (!this.port.listening) await new Promise((resolve) => setImmediate(resolve));
  }

  /** As after a new start of the agent: nothing of the port is left but what is on disk. */
  async restart(): Promise<void> {
    this.port.down();
    await this.seen.close();
    this.seen = new SeenTokens(new SeenLog(this.#seenPath));
    this.port = new AgentPort({ ...this.#options, seen: this.seen });
    await this.start();
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end.socket.destroy();
    await this.shells.close();
    this.port.down();
    await this.seen.close();
  }

  claims(claims: Claims): Claims {
    const now = Math.floor(Date.now() / 1_000);
    return {
      tunnel_id: this.tunnel.tunnelId,
      nonce: randomBytes(32).toString('base64url'),
      iat: now,
      exp: now + 60,
      agent_targets: [`${GUID}/system`],
      actor: 'alice',
      ...claims,
    };
  }

  token(
    claims: Claims,
    { typ = 'borealis-port+jws' as EnvelopeType, seed = this.keys.seed, kid = KEY_ID } = {},
  ): string {
    return sealEnvelope(this.claims(claims), { seed, kid, typ }, nodeEd25519);
  }

  /** A connection without a word. */
  async dial(from = this.tunnel.engineAddress): Promise<EngineEnd> {
    const { address: host, port } = this.port.listening!;
    const socket = connect({ host, port, localAddress: from, noDelay: true });
    const end = new EngineEnd(socket);
    this.#ends.push(end);
    // A connection may be cut as soon as it stands.
    await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), end.closed]);
    return end;
  }

  async open(claims: Claims): Promise<EngineEnd> {
    const end = await this.dial();
    end.open(this.token(claims));
    return end;
  }

  /** A shell with its OPENED. */
  async shell(change: Record<string, unknown> = {}, script?: string): Promise<EngineEnd> {
    const shell_id = randomBytes(9).toString('base64url');
    const end = await this.open({
      purpose: 'shell',
      shell_id,
      user: accountOfShells(),
      size: { cols: 80, rows: 24 },
      term: 'xterm-256color',
      record_input: false,
      ...change,
    });
    end.shellId = shell_id;
    await end.frame('OPENED');
    if (script !== undefined) end.type(script);
    return end;
  }

  async attach(shellId: string, offset: number): Promise<EngineEnd> {
    const end = await this.open({ purpose: 'attach', shell_id: shellId, offset });
    end.shellId = shellId;
    end.offset = offset;
    return end;
  }
}

export class EngineEnd {
  readonly socket: Socket;
  readonly frames: FromShell[] = [];
  readonly closed: Promise<void>;
  shellId = '';
  /** Of the output that comes next. */
  offset = 0;
  /** Whether output is acknowledged as it comes. */
  acknowledges = true;
  #output: Buffer[] = [];
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    const reader = new AgentPortReader();
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.frames(chunk)) this.#take(decodeFromShell(frame));
      this.#wake();
    });
    socket.on('error', () => undefined); // cut off: `closed` says so
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        resolve();
        this.#wake();
      }),
    );
  }

  get output(): Buffer {
    return Buffer.concat(this.#output);
  }

  get text(): string {
    return this.output.toString('utf8');
  }

  /** Resolves when it holds; rejects when the connection ends before. */
  async until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) {
      if (this.socket.destroyed)
        throw new Error(`the connection ended before ${what}: ${this.text.slice(-500)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  shows(text: string | RegExp): Promise<void> {
    const there = () => (typeof text === 'string' ? this.text.includes(text) : text.test(this.text));
    return this.until(there, String(text));
  }

  async frame<T extends FromShell['type']>(type: T): Promise<Extract<FromShell, { type: T }>> {
    const find = () => this.frames.find((frame) => frame.type === type);
    await this.until(() => find() !== undefined || this.frames.some((f) => f.type === 'REFUSED'), type);
    const frame = find();
    if (!frame) throw new Error(`refused: ${JSON.stringify(this.frames)}`);
    return frame as Extract<FromShell, { type: T }>;
  }

  /** How it ended: the code of the refusal, or `cut` where not a word was said. */
  async refusal(): Promise<string> {
    await this.closed;
    const [frame, ...more] = this.frames;
    if (!frame) return 'cut';
    if (frame.type !== 'REFUSED' || more.length > 0)
      throw new Error(`not refused: ${this.frames.map(({ type }) => type)}`);
    return frame.code;
  }

  open = (token: string): void => this.send(encodeFrame(TO_AGENT_PORT.OPEN, Buffer.from(token)));
  type = (text: string | Buffer): void => this.send(encodeFrame(TO_AGENT_PORT.INPUT, Buffer.from(text)));
  resize = (cols: number, rows: number): void =>
    this.send(encodeJsonFrame(TO_AGENT_PORT.RESIZE, { cols, rows }));
  ack = (offset = this.offset): void => this.send(encodeJsonFrame(TO_AGENT_PORT.ACK, { offset }));
  kill = (signal: string): void => this.send(encodeJsonFrame(TO_AGENT_PORT.KILL, { signal }));

  #screens = 0;
  /** The screen, its parts joined, and how much had been printed before it came. */
  async screen(): Promise<{ data: string; offset: number; heard: number; cols: number; rows: number }> {
    this.#screens += 1;
    const id = this.#screens;
    this.send(encodeJsonFrame(TO_AGENT_PORT.SCREEN, { id }));
    const parts = () =>
      this.frames.filter((frame) => frame.type === 'SCREEN').filter((frame) => frame.id === id);
    await this.until(() => parts().some(({ last }) => last), 'a screen');
    const [first] = parts();
    const at = this.frames.indexOf(first!);
    const heard = this.frames.slice(0, at).findLast((frame) => frame.type === 'OUTPUT') as
      | Extract<FromShell, { type: 'OUTPUT' }>
      | undefined;
    return {
      ...first!,
      data: parts()
        .map(({ data }) => data)
        .join(''),
      heard: heard ? heard.offset + heard.bytes.length : 0,
    };
  }

  send(frame: Buffer): void {
    if (this.socket.writable) this.socket.write(frame);
  }

  #take(frame: FromShell): void {
    this.frames.push(frame);
    if (frame.type === 'OPENED') this.offset = frame.offset;
    if (frame.type !== 'OUTPUT') return;
    if (frame.offset !== this.offset) throw new Error(`output jumps from ${this.offset} to ${frame.offset}`);
    this.offset += frame.bytes.length;
    this.#output.push(frame.bytes);
    if (this.acknowledges) this.ack();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
