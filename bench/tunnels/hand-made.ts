/**
 * A WireGuard of one device, as little of it as there can be: it shakes hands with the engine's, proves it, and counts what
 * comes. A thousand real ones would be a thousand processes, and the machine would measure those.
 */
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { beginHandshake, type Handshake } from '../../src/wg/handshake.ts';
import type { Network } from '../../src/wg/network.ts';
import { seal } from '../../src/wg/noise.ts';
import type { ObservedDevice, WantedNetwork } from '../../src/wg/types.ts';

const RETRY_MS = 1_000;
const NOTHING = Buffer.alloc(0);

export class HandMadeWireGuard implements Network {
  #udp: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #asked: Handshake | undefined;
  #received = 0;
  #handshake: number | null = null;

  async apply({ interfaces }: WantedNetwork): Promise<void> {
    const [wanted] = interfaces ?? [];
    const [peer] = wanted?.peers ?? [];
    if (!wanted || !peer?.endpoint || this.#udp) return;
    const [address, port] = peer.endpoint.split(':');
    const udp = createSocket('udp4');
    this.#udp = udp;
    udp.on('message', (packet) => this.#hear(packet));
    const ask = (): void => {
      const [{ privateKey }, now] = [wanted, Date.now()];
      this.#asked = beginHandshake({ privateKey, peer: peer.publicKey, sender: randomInt(2 ** 32), now });
      udp.send(this.#asked.initiation);
    };
    udp.connect(Number(port), address, ask);
    this.#retry = setInterval(ask, RETRY_MS);
  }

  async device(): Promise<ObservedDevice> {
    const peer = {
      publicKey: '',
      presharedKeyDigest: null,
      endpoint: null,
      lastHandshake: this.#handshake,
      receivedBytes: this.#received,
      sentBytes: 0,
      persistentKeepalive: 0,
      allowedIps: [],
    };
    return { publicKey: null, listenPort: 1, peers: [peer] };
  }

  async peers(): Promise<ObservedDevice['peers']> {
    return (await this.device()).peers;
  }

  /** There is nothing to guard. */
  async guarded(): Promise<boolean> {
    return true;
  }

  async call(): Promise<never> {
    throw new Error('this one calls whom it is made for');
  }

  async stands(): Promise<boolean> {
    return true;
  }

  made(): number {
    return 1;
  }

  async forget(): Promise<never> {
    throw new Error('nor does it forget any');
  }

  async observe(): Promise<never> {
    throw new Error('nobody looks at this one so closely');
  }

  async teardown(): Promise<void> {
    clearInterval(this.#retry);
    this.#udp?.close();
    this.#udp = undefined;
  }

  #hear(packet: Buffer): void {
    this.#received += packet.length;
    // Data: it has taken the proof. Before that, either may have been lost.
    if (packet[0] === 4) clearInterval(this.#retry);
    const established = this.#asked?.finish(packet);
    if (!established) return;
    this.#handshake = Math.floor(Date.now() / 1_000);
    // An empty packet of data, the first of the session: to the engine's WireGuard it is the proof.
    const header = Buffer.alloc(16);
    header[0] = 4;
    header.writeUInt32LE(established.receiver, 4);
    this.#udp?.send(Buffer.concat([header, seal(established.sendingKey, NOTHING, NOTHING)]));
  }
}
