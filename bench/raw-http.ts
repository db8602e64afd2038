/** The cheapest HTTP client that is still right for answers with a length: what it measures is the server. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answered {
  readonly body: Buffer;
  /** Milliseconds from the first byte sent to the last one received. */
  readonly ms: number;
}

export class RawHttp {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async connect(path: string): Promise<RawHttp> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new RawHttp(socket);
  }

  /** GET, one at a time. */
  get(path: string): Promise<Answered> {
    const socket = this.#socket;
    const parts: Buffer[] = [];
    let received = 0;
    let expected = Number.POSITIVE_INFINITY;
    let head = 0;
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    const begun = performance.now();
    const take = (chunk: Buffer): void => {
      parts.push(chunk);
      received += chunk.length;
      if (head === 0) {
        const start = Buffer.concat(parts);
        head = start.indexOf('\r\n\r\n') + 4;
        if (head === 3) {
          head = 0;
          return;
        }
        const lines = start.toString('latin1', 0, head);
        if (!lines.startsWith('HTTP/1.1 200')) {
          fail(new Error(`${path}: ${start.toString('utf8')}`));
          return;
        }
        expected = head + Number(/^content-length: (\d+)/im.exec(lines)?.[1]);
      }
      if (received < expected) return;
      const ms = performance.now() - begun;
      release();
      resolve({ body: Buffer.concat(parts).subarray(head), ms });
    };
    const fail = (error: Error): void => {
      release();
      reject(error);
    };
    const ended = (): void => fail(new Error(`${path}: the server hung up`));
    const release = (): void => void socket.off('data', take).off('error', fail).off('close', ended);
    socket.on('data', take).on('error', fail).on('close', ended);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: borealis\r\n\r\n`);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }
}
