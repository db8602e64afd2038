/** The channel of an agent that says exactly what a test wants, over real TLS, to a real engine. */
import { WebSocket } from 'ws';
import { nodeEd25519 } from '../../src/crypto/ed25519.ts';
import { openEnvelope, sealEnvelope } from '../../src/crypto/envelope.ts';
import { jwkThumbprint } from '../../src/crypto/keys.ts';
import { COMMAND_TYPE, type CommandClaims, commandClaims, RESULT_TYPE } from '../../src/protocol/command.ts';
import { AGENT_PATHS, proofUrl } from '../../src/protocol/enrolment.ts';
import { CHANNEL_PROTOCOL, FRAME_MAX_BYTES, type ToAgent } from '../../src/protocol/frame.ts';
import type { Key, RawAgent } from '../daemon/raw-agent.ts';

/** Of channels only: a session of the enrolment brings no certificate along. */
const sessions = new WeakMap<RawAgent, Buffer>();

export class RawChannel {
  readonly agent: RawAgent;
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #frames: ToAgent[] = [];
  #waiting: (() => void)[] = [];

  private constructor(agent: RawAgent, socket: WebSocket) {
    this.agent = agent;
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
    socket.on('message', (data) => {
      this.#frames.push(JSON.parse(String(data)) as ToAgent);
      this.#wake();
    });
    // What breaks is seen as its close.
    socket.on('error', () => undefined);
  }

  /** Open; nothing has been said yet. `resume`: with the TLS session of the channel before, which is cheaper. */
  static async open(agent: RawAgent, { resume = false } = {}): Promise<RawChannel> {
    const tls = await agent.connect(agent.shown, resume ? sessions.get(agent) : undefined);
    tls.on('session', (ticket: Buffer) => sessions.set(agent, ticket));
    const url = proofUrl(AGENT_PATHS.channel).replace('https:', 'wss:');
    const socket = new WebSocket(url, CHANNEL_PROTOCOL, {
      createConnection: () => tls,
      headers: agent.headers('GET', AGENT_PATHS.channel),
      perMessageDeflate: false,
    });
    const channel = new RawChannel(agent, socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return channel;
  }

  /** Open and welcomed. */
  static async welcomed(agent: RawAgent, options: { resume?: boolean } = {}): Promise<RawChannel> {
    const channel = await RawChannel.open(agent, options);
    channel.send(channel.hello());
    await channel.next('WELCOME');
    return channel;
  }

  hello(): Record<string, unknown> {
    const { hostname, context } = this.agent.machine;
    return {
      type: 'HELLO',
      guid: this.agent.enrolled!.guid,
      context,
      agent_version: '0.1.0',
      hostname,
      os: 'linux',
      arch: 'x64',
      now: new Date().toISOString(),
      verbs: ['run_command'],
    };
  }

  /** Text as it is, bytes as a binary message, anything else as JSON. */
  send(frame: Record<string, unknown> | string | Buffer): void {
    this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** The next frame of that type; others that came before it stay. */
  async next<T extends ToAgent['type']>(type: T): Promise<Extract<ToAgent, { type: T }>> {
    for (;;) {
      const index = this.#frames.findIndex((frame) => frame.type === type);
      if (index >= 0) return this.#frames.splice(index, 1)[0] as Extract<ToAgent, { type: T }>;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed before a ${type} came`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** True once the engine has dealt with all that was sent before, false where it closed the channel. */
  async settled(): Promise<boolean> {
    const t = Math.random();
    if (this.socket.readyState === WebSocket.OPEN) this.send({ type: 'PING', t });
    const answered = (): boolean => this.#frames.some((frame) => frame.type === 'PONG' && frame.t === t);
    while (!answered()) {
      if (this.socket.readyState === WebSocket.CLOSED) return false;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return true;
  }

  /** The claims of a command; verified, where the engine's key is the one that the agent was given. */
  open(envelope: string): CommandClaims {
    const publicKey = Buffer.from(this.agent.enrolled!.signing_key, 'base64url');
    return commandClaims.parse(
      openEnvelope(envelope, { publicKey, typ: COMMAND_TYPE, maxBytes: FRAME_MAX_BYTES }, nodeEd25519).claims,
    );
  }

  /** A RESULT frame; `by` signs it, this agent itself unless told otherwise. */
  result(corr_id: string, changed: Record<string, unknown> = {}, by: Key = this.agent.key) {
    const claims = {
      corr_id,
      guid: this.agent.enrolled!.guid,
      state: 'succeeded',
      exit_code: 0,
      error_code: null,
      error: null,
      stdout: 'done\n',
      stderr: '',
      truncated: false,
      value: null,
      started_at: Math.floor(Date.now() / 1_000),
      duration_ms: 1,
      ...changed,
    };
    const kid = jwkThumbprint(by.publicKey);
    const envelope = sealEnvelope(claims, { seed: by.seed, kid, typ: RESULT_TYPE }, nodeEd25519);
    return { type: 'RESULT', corr_id, envelope };
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
