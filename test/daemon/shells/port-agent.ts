/** A small agent's port: real TCP, real frames, tokens checked; the shells print what a test says. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { nodeEd25519 } from '../../../src/crypto/ed25519.ts';
import { openEnvelope } from '../../../src/crypto/envelope.ts';
import {
  AGENT_PORT_TYPE,
  type AgentPortClaims,
  agentPortClaims,
  FROM_AGENT_PORT,
  SHELL_WINDOW_BYTES,
  TO_AGENT_PORT,
} from '../../../src/protocol/agent-port.ts';
import {
  AgentPortReader,
  decodeToShell,
  encodeFrame,
  encodeJsonFrame,
  encodeOutput,
} from '../../../src/protocol/agent-port-codec.ts';

interface Size {
  cols: number;
  rows: number;
}

/** A shell without a program: it echoes, and prints what it is told. */
export class PortShell {
  readonly id: string;
  size: Size;
  output: Buffer = Buffer.alloc(0);
  /** Bytes at the beginning that were forgotten. */
  forgotten = 0;
  acked = 0;
  sent = 0;
  exited: { exit_code: number | null; signal: string | null } | null = null;
  echo = true;
  recordInput: boolean;
  readonly typed: string[] = [];
  readonly kills: string[] = [];
  screens = 0;
  ignoresHangup = false;
  socket: Socket | undefined;
  #exitTold = false;

  constructor(id: string, size: Size, recordInput: boolean) {
    this.id = id;
    this.size = size;
    this.recordInput = recordInput;
  }

  get end(): number {
    return this.forgotten + this.output.length;
  }

  print(text: string | Buffer): void {
    this.output = Buffer.concat([this.output, Buffer.from(text as string)]);
    this.pump();
  }

  /** As the ring does when it is full: everything before the end but `kept` bytes. */
  forget(kept = 0): void {
    const gone = this.output.length - kept;
    this.output = this.output.subarray(gone);
    this.forgotten += gone;
  }

  exit(code: number | null, signal: string | null = null): void {
    this.exited = { exit_code: code, signal };
    this.pump();
  }

  attach(socket: Socket, offset: number): void {
    this.socket?.destroy();
    this.socket = socket;
    this.sent = Math.max(offset, this.forgotten);
    this.acked = this.sent;
    this.#exitTold = false;
    const opened = {
      shell_id: this.id,
      pid: 1,
      user: 'root',
      ...this.size,
      offset: this.sent,
      started_at: 0,
    };
    socket.write(encodeJsonFrame(FROM_AGENT_PORT.OPENED, opened));
    this.pump();
  }

  pump(): void {
    const { socket } = this;
    if (!socket?.writable) return;
    while (this.sent < this.end && this.sent - this.acked < SHELL_WINDOW_BYTES) {
      const from = this.sent - this.forgotten;
      const piece = this.output.subarray(from, from + 16_384);
      socket.write(encodeOutput(this.sent, piece));
      this.sent += piece.length;
    }
    if (!this.exited || this.#exitTold || this.sent < this.end) return;
    this.#exitTold = true;
    socket.end(encodeJsonFrame(FROM_AGENT_PORT.EXIT, { offset: this.end, ...this.exited }));
  }

  heard(frame: ReturnType<typeof decodeToShell>, socket: Socket): void {
    switch (frame.type) {
      case 'INPUT':
        this.typed.push(frame.bytes.toString('utf8'));
        if (this.echo && this.recordInput) socket.write(encodeFrame(FROM_AGENT_PORT.TYPED, frame.bytes));
        if (this.echo) this.print(frame.bytes);
        break;
      case 'RESIZE':
        this.size = { cols: frame.cols, rows: frame.rows };
        socket.write(encodeJsonFrame(FROM_AGENT_PORT.RESIZED, { offset: this.sent, ...this.size }));
        break;
      case 'ACK':
        this.acked = Math.max(this.acked, frame.offset);
        this.pump();
        break;
      case 'SCREEN': {
        this.screens += 1;
        const shown = this.output
          .subarray(0, this.sent - this.forgotten)
          .toString('utf8')
          .slice(-200);
        const half = Math.floor(shown.length / 2);
        const screen = { id: frame.id, offset: this.sent, ...this.size };
        for (const [data, last] of [
          [`<${shown.slice(0, half)}`, false] as const,
          [`${shown.slice(half)}>`, true] as const,
        ])
          socket.write(encodeJsonFrame(FROM_AGENT_PORT.SCREEN, { ...screen, data, last }));
        break;
      }
      case 'KILL':
        this.kills.push(frame.signal);
        if (frame.signal === 'SIGKILL' || !this.ignoresHangup) this.exit(null, frame.signal);
        break;
    }
  }
}

export class PortAgent {
  readonly shells = new Map<string, PortShell>();
  readonly tokens: { text: string; claims: AgentPortClaims }[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #publicKey: Uint8Array;
  /** With what the next connections are refused. */
  refusal: string | null = null;
  #host = '127.0.0.1';

  constructor(publicKey: Uint8Array) {
    this.#publicKey = publicKey;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket));
  }

  async start(host = '127.0.0.1', port = 0): Promise<this> {
    this.#host = host;
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    return this;
  }

  get address(): string {
    return this.#host;
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  get connections(): number {
    return this.#sockets.size;
  }
  /** Of the only shell. */
  get shell(): PortShell {
    const [shell] = this.shells.values();
    if (!shell) throw new Error('no shell was started');
    return shell;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('end', () => socket.end());
    socket.on('error', () => {
      // The engine may be gone at any moment.
    });
    const reader = new AgentPortReader();
    let shell: PortShell | undefined;
    socket.on('data', (chunk) => {
      for (const frame of reader.frames(chunk)) {
        if (shell) shell.heard(decodeToShell(frame), socket);
        else if (frame.kind === TO_AGENT_PORT.OPEN)
          shell = this.#open(frame.payload.toString('latin1'), socket);
        else throw new Error('the first frame is no token');
      }
    });
  }

  #open(text: string, socket: Socket): PortShell | undefined {
    const { claims: raw } = openEnvelope(
      text,
      { publicKey: this.#publicKey, typ: AGENT_PORT_TYPE, maxBytes: 8_192 },
      nodeEd25519,
    );
    const claims = agentPortClaims.parse(raw);
    this.tokens.push({ text, claims });
    if (this.refusal) return this.#refuse(socket, this.refusal);
    if (claims.purpose === 'shell') {
      const shell = new PortShell(claims.shell_id, claims.size, claims.record_input);
      this.shells.set(shell.id, shell);
      shell.attach(socket, 0);
      return shell;
    }
    const known = claims.purpose === 'attach' ? this.shells.get(claims.shell_id) : undefined;
    if (!known || claims.purpose !== 'attach') return this.#refuse(socket, 'SHELL_NOT_FOUND');
    known.attach(socket, claims.offset);
    return known;
  }

  #refuse(socket: Socket, code: string): undefined {
    socket.end(encodeJsonFrame(FROM_AGENT_PORT.REFUSED, { code, message: 'No.', next: '' }));
  }

  /** All connections break, as when the agent's link does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
