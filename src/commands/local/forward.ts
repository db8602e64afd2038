/** Local ports to ports of a device: a socket each way, and bytes between them, as fast as the slower side reads. */
import { createServer, type Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BorealisError } from '../../protocol/errors.ts';
import { BulkSocket, pass, READ_AHEAD } from './pass.ts';

export interface ForwardSpec {
  /** Null: standard input and output. */
  readonly local: { readonly host: string; readonly port: number } | null;
  readonly remote: number;
}

/** `2222:22`, `0:22` (any free port), `0.0.0.0:8080:80`, `[::1]:8080:80`, `-:22`. Errors: USAGE. */
export const parseForward = (text: string): ForwardSpec => {
  const match = /^(?:(-|stdio)|(?:(\[[0-9A-Fa-f:.]+\]|[^\s:[\]]+):)?(\d{1,5})):(\d{1,5})$/.exec(text);
  const [, stdio, host, local, remote] = match ?? [];
  const ports = [local ?? '0', remote ?? '-1'].map(Number);
  if (!match || ports.some((port) => port < 0 || port > 65_535) || ports[1] === 0) {
    throw new BorealisError('USAGE', {
      detail: `“${text}” is no LOCAL:REMOTE.`,
      next: 'Write it like 2222:22, 0:22, 0.0.0.0:8080:80, or -:22 for standard input and output.',
    });
  }
  return {
    local: stdio ? null : { host: host?.replace(/^\[|\]$/g, '') ?? '127.0.0.1', port: ports[0] ?? 0 },
    remote: ports[1] ?? 0,
  };
};

/** One more connection to the device's port; asks for the tunnel where it must. */
export type Dial = () => Promise<Duplex>;

export interface ForwardEvents {
  /** Payload that went either way since the last time. */
  moved(bytes: number): void;
  /** A connection could not be made; the others go on. */
  failed(error: unknown): void;
}

export class LocalForward {
  readonly #dial: Dial;
  readonly #events: ForwardEvents;
  readonly #open = new Set<Duplex>();
  #server: Server | undefined;

  constructor(dial: Dial, events: ForwardEvents) {
    this.#dial = dial;
    this.#events = events;
  }

  get connections(): number {
    return this.#open.size;
  }

  /** Resolves with the port. Errors: PORT_TAKEN, NEEDS_ROOT, those of listen(2). */
  async listen({ host, port }: NonNullable<ForwardSpec['local']>): Promise<number> {
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, highWaterMark: READ_AHEAD },
      (socket) => void this.serve(socket),
    );
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(explained(error, host, port)));
      server.listen(port, host, resolve);
    });
    this.#server = server;
    const address = server.address();
    return typeof address === 'object' && address ? address.port : port;
  }

  /** Until both sides have ended. */
  async serve(near: Duplex): Promise<void> {
    this.#open.add(near);
    near.on('error', ignore);
    try {
      const far = await this.#dial();
      this.#open.add(far);
      await this.#join(near, far).finally(() => this.#open.delete(far));
    } catch (error) {
      near.destroy();
      this.#events.failed(error);
    } finally {
      this.#open.delete(near);
    }
  }

  /** Ends what is open. */
  close(): void {
    this.#server?.close();
    for (const stream of this.#open) stream.destroy();
  }

  /** Each side's end is passed on; where one breaks, so does the other. */
  #join(near: Duplex, far: Duplex): Promise<void> {
    const moved = (bytes: number): void => this.#events.moved(bytes);
    pass(near, far, moved);
    pass(far, near, moved);
    return new Promise((resolve) => {
      let closed = 0;
      const done = (): void => {
        closed += 1;
        if (closed === 2) resolve();
      };
      near.once('close', () => {
        if (!near.readableEnded) breakOff(far);
        // What it sent is on its way to the far side still.
        else if (far.writableFinished) far.destroy();
        else far.once('finish', () => far.destroy());
        done();
      });
      far.once('close', () => {
        // As above; it closes by itself when it is done.
        if (far.readableEnded) near.end();
        else breakOff(near);
        done();
      });
    });
  }
}

const ignore = (): void => {};

/** Not as an end in order, which would pass for all that there was to say. */
const breakOff = (stream: Duplex): void =>
  void (stream instanceof Socket ? stream.resetAndDestroy() : stream.destroy());

/** A connection from this machine. Errors: those of connect(2). */
export const dialTcp = ({ address, port }: { address: string; port: number }): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = new BulkSocket({ allowHalfOpen: true }).setNoDelay();
    socket.connect({ host: address, port });
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', ignore);
      resolve(socket);
    });
    socket.once('error', reject);
  });

const explained = (error: NodeJS.ErrnoException, host: string, port: number): Error => {
  if (error.code === 'EADDRINUSE')
    return new BorealisError('PORT_TAKEN', {
      detail: `TCP port ${port} of ${host}.`,
      next: 'Choose another, or 0 for any that is free.',
      cause: error,
    });
  if (error.code === 'EACCES')
    return new BorealisError('NEEDS_ROOT', {
      detail: `Port ${port} may be used by root only.`,
      next: 'Choose one above 1023, or 0 for any that is free.',
      cause: error,
    });
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new BorealisError('USAGE', { detail: `${host} is no address of this machine.`, cause: error });
  return error;
};
