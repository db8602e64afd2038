/**
 * Connections that have not shown yet whose they are. Anybody may open one, so there are only so many at once: where all
 * places are taken, the network that has the most of them gives one up to whoever has fewer, and is refused more.
 */
import type { Socket } from 'node:net';
import { networkOf } from './address.ts';

/** As many as a large fleet that comes back at once; about 60 KiB each while it shakes hands. */
export const STRANGERS_MAX = 16_384;
/** Descriptors that no agent and no stranger gets: the store, recordings, programs, and operators, who must always get in. */
const DESCRIPTORS_KEPT = 512;

export interface Room {
  /** Connections in all. */
  readonly connections: number;
  readonly strangers: number;
}

/** `descriptors`: how many the process may open; null where nothing says so. */
export const roomFor = (descriptors: number | null): Room => {
  if (descriptors === null) return { connections: Number.POSITIVE_INFINITY, strangers: STRANGERS_MAX };
  const connections = Math.max(Math.ceil(descriptors / 4), descriptors - DESCRIPTORS_KEPT);
  return { connections, strangers: Math.min(STRANGERS_MAX, Math.ceil(connections / 2)) };
};

export class Strangers {
  readonly #max: number;
  /** By network, then by address and port; in the order in which they came. */
  readonly #waiting = new Map<string, Map<string, Socket>>();
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get count(): number {
    return this.#count;
  }

  /** False where there is no place for it. */
  admit(socket: Socket): boolean {
    const from = origin(socket);
    // Hung up before it was looked at.
    if (!from) return false;
    if (this.#count >= this.#max && !this.#makeRoom(from.network)) return false;
    const others = this.#waiting.get(from.network);
    if (others) others.set(from.end, socket);
    else this.#waiting.set(from.network, new Map([[from.end, socket]]));
    this.#count++;
    socket.once('close', () => this.#forget(from, socket));
    return true;
  }

  /** An agent that proved who it is: no stranger any more. `socket`: itself, or TLS upon it. */
  known(socket: Remote): void {
    const from = origin(socket);
    if (from) this.#forget(from);
  }

  /** `socket`: unless another one has that address and port by now. */
  #forget({ network, end }: Origin, socket?: Socket): void {
    const others = this.#waiting.get(network);
    const found = others?.get(end);
    if (!others || !found || (socket && found !== socket)) return;
    others.delete(end);
    if (others.size === 0) this.#waiting.delete(network);
    this.#count--;
  }

  #makeRoom(newcomer: string): boolean {
    let [most, crowd] = ['', 0];
    for (const [network, { size }] of this.#waiting) if (size > crowd) [most, crowd] = [network, size];
    // Who has as many would gain a place that the next one takes from it again.
    if (crowd <= (this.#waiting.get(newcomer)?.size ?? 0) + 1) return false;
    const [end, oldest] = this.#waiting.get(most)!.entries().next().value!;
    this.#forget({ network: most, end });
    oldest.destroy();
    return true;
  }
}

type Remote = Pick<Socket, 'remoteAddress' | 'remotePort'>;

interface Origin {
  readonly network: string;
  readonly end: string;
}

const origin = ({ remoteAddress, remotePort }: Remote): Origin | null =>
  remoteAddress === undefined
    ? null
    : { network: networkOf(remoteAddress), end: `${remoteAddress} ${remotePort}` };
