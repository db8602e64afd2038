/** UDP between the two nodes of a pair, sealed: who does not have the pair's key hears nothing of it and is not heard. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { BorealisError } from '../protocol/errors.ts';
import { DATAGRAM_MAX, type Datagrams } from './platform.ts';
import { type Ignored, SealedPair } from './sealed-pair.ts';

export interface DatagramOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** This node's own, not the floating one. */
  readonly address: string;
  /** The pair's: 32 bytes. */
  readonly key: Buffer;
  /** GUIDs. */
  readonly self: string;
  readonly other: string;
}

export interface CountedDatagrams extends Datagrams {
  /** What came and was not taken, since it was opened. */
  readonly ignored: Readonly<Ignored & { malformed: number }>;
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Errors: PORT_TAKEN; HA_NO_INTERFACE where the machine does not have the address; COMMAND_FAILED. */
export const openDatagrams = async (options: DatagramOptions): Promise<CountedDatagrams> => {
  const { port, address } = options;
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4' });
  try {
    const bound = once(socket, 'listening');
    socket.bind({ port, address, exclusive: true });
    await bound;
  } catch (error) {
    socket.close();
    throw refused(error, options);
  }
  return new UdpDatagrams(socket, options);
};

const refused = (cause: unknown, { port, address }: DatagramOptions): unknown => {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    const next = 'Stop that process: ss --udp --listening --processes';
    return new BorealisError('PORT_TAKEN', { detail: `UDP port ${port} of ${address}.`, next, cause });
  }
  if (code === 'EADDRNOTAVAIL') {
    return new BorealisError('HA_NO_INTERFACE', { detail: `This machine does not have ${address}.`, cause });
  }
  return new BorealisError('COMMAND_FAILED', { detail: `UDP ${address}, port ${port}: ${code}.`, cause });
};

/** `192.0.2.1:7000`, `[2001:db8::1]:7000`. */
const parseEndpoint = (text: string): Endpoint => {
  const colon = text.lastIndexOf(':');
  return { address: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
};

class UdpDatagrams implements CountedDatagrams {
  readonly #socket: Socket;
  readonly #pairWith: (key: Buffer) => SealedPair;
  #pair: SealedPair;
  readonly #listeners: ((data: unknown) => void)[] = [];
  #malformed = 0;
  #to: Endpoint | null = null;
  #closed = false;

  constructor(socket: Socket, { key, self, other }: DatagramOptions) {
    this.#socket = socket;
    this.#pairWith = (of) => new SealedPair({ key: of, self, other, now: () => performance.now() });
    this.#pair = this.#pairWith(key);
    socket.on('message', (datagram, from) => this.#received(datagram, from));
    socket.on('error', () => undefined); // of one datagram: lost, as any may be
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get ignored() {
    return { ...this.#pair.ignored, malformed: this.#malformed };
  }

  send(data: unknown): void {
    const body = Buffer.from(JSON.stringify(data));
    if (body.length > DATAGRAM_MAX) {
      throw new BorealisError('INTERNAL', { detail: `${body.length} bytes are too many for a datagram.` });
    }
    if (this.#to) this.#put(this.#pair.data(body), this.#to);
  }

  turnTo(endpoint: string | null): void {
    this.#to = endpoint === null ? null : parseEndpoint(endpoint);
    // So that the first word is taken already: both have to know of each other before.
    if (this.#to) this.#put(this.#pair.hello(), this.#to);
  }

  rekey(key: Buffer): void {
    this.#pair = this.#pairWith(key);
    if (this.#to) this.#put(this.#pair.hello(), this.#to);
  }

  onMessage(listener: (data: unknown) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  #received(datagram: Buffer, from: Endpoint): void {
    const { body, answer } = this.#pair.take(datagram);
    if (answer) this.#put(answer, from);
    if (!body) return;
    let data: unknown;
    try {
      data = JSON.parse(body.toString('utf8'));
    } catch {
      this.#malformed += 1; // of the other node, but of another version of it
      return;
    }
    for (const listener of this.#listeners) listener(data);
  }

  #put(datagram: Buffer, { address, port }: Endpoint): void {
    // What the network refuses is lost, which it may be anyway: nobody is told.
    if (!this.#closed) this.#socket.send(datagram, port, address, () => undefined);
  }
}
