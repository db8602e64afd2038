/**
 * The agent's server at its tunnel address (protocol/agent-port.ts). It listens there and nowhere else, as long as the
 * tunnel stands; it speaks with the engine's tunnel address and nobody else; it does nothing before a token of the
 * engine has been found good.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { AGENT_PORT_FRAME_MAX, AGENT_PORT_HELLO_MS, TO_AGENT_PORT } from '../../protocol/agent-port.ts';
import { type AgentPortFrame, AgentPortFrameError } from '../../protocol/agent-port-codec.ts';
import { BorealisError, type ErrorCode } from '../../protocol/errors.ts';
import { AGENT_PORT } from '../../protocol/tunnel.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Uplink } from '../channel.ts';
import type { AgentLog } from '../log.ts';
import { Telling } from '../telling.ts';
import type { StandingTunnel, TunnelListener } from '../tunnel/listener.ts';
import type { CommandTrust } from '../verify.ts';
import { PortConnection } from './connection.ts';
import { handlerFor, type Purposes } from './purposes.ts';
import type { SeenTokens } from './seen-tokens.ts';
import { TOKEN_MAX_BYTES, verifyPortToken } from './token.ts';

/** An address that was just given to an interface may not be there yet, or a server of before still be there. */
const LISTEN_RETRY_MS = 50;
const LISTEN_RETRIES = 200;
/**
 * Connections whose token has not come yet, and all. An engine that has started again takes up all of its shells at
 * once (64 at most), and its copies.
 */
const STRANGERS_MAX = 128;
const CONNECTIONS_MAX = 256;
/** Until the other end has taken the last words. */
const GOODBYE_MS = 5_000;
/** A path that is dead is noticed by the kernel, so that its connections do not stay. */
const KEEPALIVE_MS = 15_000;
const LOUD: Partial<Record<ErrorCode, 'signature_refused' | 'replay_refused'>> = {
  INVALID_SIGNATURE: 'signature_refused',
  NOT_ADDRESSED: 'signature_refused',
  REPLAY_DETECTED: 'replay_refused',
};

export interface AgentPortOptions {
  readonly trust: CommandTrust;
  /** Open already. */
  readonly seen: SeenTokens;
  readonly purposes: Purposes;
  readonly uplink: Uplink;
  readonly clock: Clock;
  readonly log: AgentLog;
  /** AGENT_PORT where not given; 0 takes a free one, for tests. */
  readonly port?: number;
  /** AGENT_PORT_HELLO_MS where not given. */
  readonly helloMs?: number;
}

export class AgentPort implements TunnelListener {
  readonly #options: AgentPortOptions;
  readonly #telling: Telling;
  readonly #connections = new Set<Socket>();
  #tunnel: StandingTunnel | undefined;
  #server: Server | undefined;
  #retry: NodeJS.Timeout | undefined;
  #strangers = 0;
  #refused = 0;

  constructor(options: AgentPortOptions) {
    this.#options = options;
    this.#telling = new Telling(options.clock);
  }

  /** Where it listens; null while it does not. */
  get listening(): { readonly address: string; readonly port: number } | null {
    const at = this.#server?.address();
    return at && typeof at === 'object' ? { address: at.address, port: at.port } : null;
  }

  /** Connections and tokens refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  up(tunnel: StandingTunnel): void {
    this.down();
    this.#tunnel = tunnel;
    this.#listen(tunnel, LISTEN_RETRIES);
  }

  /** Connections are cut; what they served goes on. */
  down(): void {
    clearTimeout(this.#retry);
    this.#tunnel = undefined;
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#connections) socket.destroy();
  }

  #listen(tunnel: StandingTunnel, retries: number): void {
    const { log, port = AGENT_PORT } = this.#options;
    const address = tunnel.deviceAddress;
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS },
      (socket) => this.#accept(socket, tunnel),
    );
    this.#server = server;
    server.once('listening', () =>
      log.info({ address, port: this.listening?.port }, 'listening in the tunnel'),
    );
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#server !== server) return;
      server.close();
      const passing = error.code === 'EADDRNOTAVAIL' || error.code === 'EADDRINUSE';
      if (passing && retries > 0)
        this.#retry = setTimeout(() => this.#listen(tunnel, retries - 1), LISTEN_RETRY_MS);
      else log.error({ err: error, address }, 'cannot listen in the tunnel: no shells and no copies');
    });
    server.listen({ host: address, port, exclusive: true });
  }

  #accept(socket: Socket, tunnel: StandingTunnel): void {
    const { log } = this.#options;
    socket.on('error', (error) => log.debug({ err: error }, 'a connection in the tunnel broke'));
    if (this.#tunnel !== tunnel) return void socket.destroy();
    // What reaches this address through another interface is not the engine, whatever it can prove.
    if (socket.remoteAddress !== tunnel.engineAddress) {
      socket.resetAndDestroy();
      this.#tell('NOT_ADDRESSED', `A connection came from ${socket.remoteAddress}, which is not the engine.`);
      return;
    }
    if (this.#strangers >= STRANGERS_MAX || this.#connections.size >= CONNECTIONS_MAX) {
      log.warn({ strangers: this.#strangers, connections: this.#connections.size }, 'too many connections');
      return void socket.resetAndDestroy();
    }
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    this.#strangers += 1;
    let stranger = true;
    const known = () => {
      if (stranger) this.#strangers -= 1;
      stranger = false;
    };
    socket.once('close', known);
    const connection = new PortConnection(socket, TOKEN_MAX_BYTES + 1);
    hangUpOnSilence(connection, this.#options.helloMs ?? AGENT_PORT_HELLO_MS);
    void this.#serve(connection, tunnel, known).finally(() => goodbye(socket));
  }

  /** Never rejects. */
  async #serve(connection: PortConnection, tunnel: StandingTunnel, known: () => void): Promise<void> {
    const { log, purposes, trust, seen, clock } = this.#options;
    try {
      const first = await connection.first();
      const claims = verifyPortToken(tokenIn(first), trust, tunnel.tunnelId, clock.now());
      known();
      await seen.use(claims, claims.tunnel_id, clock.now());
      if (this.#tunnel !== tunnel) return connection.destroy();
      connection.limit = AGENT_PORT_FRAME_MAX;
      const { purpose, actor } = claims;
      const serve = handlerFor(purposes, claims);
      if (!serve) throw new BorealisError('UNKNOWN_VERB', { detail: 'This agent does not do that.' });
      log.info({ purpose, actor }, 'connection accepted');
      await serve(connection);
    } catch (error) {
      this.#failed(connection, error);
    }
  }

  #failed(connection: PortConnection, error: unknown): void {
    const { log } = this.#options;
    if (error instanceof BorealisError) {
      connection.refuse(error);
      this.#tell(error.code, error.message);
    } else if (error instanceof AgentPortFrameError) {
      if (!connection.closed)
        connection.refuse(new BorealisError('SCHEMA_MISMATCH', { detail: error.message }));
      log.info({ reason: error.message }, 'a connection in the tunnel ended');
    } else if ((error as NodeJS.ErrnoException).syscall) {
      log.info({ err: error }, 'a connection in the tunnel broke');
    } else {
      log.error({ err: error }, 'a connection in the tunnel could not be served');
      connection.refuse(new BorealisError('INTERNAL'));
    }
  }

  #tell(code: ErrorCode, message: string): void {
    const { log, uplink } = this.#options;
    this.#refused += 1;
    log.warn({ code, refused: this.#refused }, `connection refused: ${message}`);
    const kind = LOUD[code];
    if (!kind || !this.#telling.may()) return;
    uplink.send({ type: 'EVENT', kind, message: `${message} It came to the agent's port.`, corr_id: null });
  }
}

function tokenIn({ kind, payload }: AgentPortFrame): string {
  if (kind !== TO_AGENT_PORT.OPEN) throw new AgentPortFrameError('The token comes first.');
  return payload.toString('latin1');
}

/** `ms`: until the first frame. */
function hangUpOnSilence(connection: PortConnection, ms: number): void {
  // What has come while this process was busy is read before the immediate: that was not the other end's silence.
  const timer = setTimeout(() => setImmediate(() => heard || connection.destroy()), ms);
  let heard = false;
  const over = () => {
    heard = true;
    clearTimeout(timer);
  };
  connection.first().then(over, over);
}

/** What was sent goes out; who does not take it is not waited for. */
function goodbye(socket: Socket): void {
  if (socket.destroyed) return;
  socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), GOODBYE_MS);
  socket.once('close', () => clearTimeout(timer));
}
