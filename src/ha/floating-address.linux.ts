/**
 * The floating address on Linux. It is put there alone, as /32 or /128, beside the node's own address in the network:
 *
 * - with the network's length it would be a secondary of the node's own address and go with it, or, first there, take
 *   it with itself when it goes (RFC 1812 knows none of that; Linux does so, see promote_secondaries);
 * - it brings no route, so none vanishes with it, and no connection of the machine's own begins from it;
 * - ARP is answered for every local address, and arp_ignore=2 and arp_announce=1 look at all addresses of the interface,
 *   of which the node's own has the network.
 *
 * IPv6 would prefer it for connections in its network all the same (RFC 6724, rule 8), so it is deprecated there from the
 * start (rule 3); what is bound to it, and answers, are not touched by that. It is not tentative (NODAD): that would
 * take a second of silence, and whether somebody has it has been asked before, by `probe`.
 *
 * The kernel may be a second late in taking it away; a fence (fence.linux.ts) ends it in time.
 */
import { BorealisError } from '../protocol/errors.ts';
import { IFA_F, RouteSocket } from '../sys/rtnetlink.linux.ts';
import { Refused, type Socket, translated } from '../sys/socket.linux.ts';
import { announcements, listen, openSender, probe, sendOn } from './ethernet.linux.ts';
import { Fence } from './fence.linux.ts';
import { type FloatingPlace, findPlace, isFloating, LIFETIME_MAX } from './interface.ts';
import type { FloatingAddress, FloatingAddressOptions, OpenFloatingAddress } from './platform.ts';

/** For so long answers to a probe are listened to: as RFC 5227 waits between probes, and RFC 4862 after one. */
const LISTEN_MS = 1_000;

const hardwareText = (address: Buffer): string =>
  [...address].map((byte) => byte.toString(16).padStart(2, '0')).join(':');

/** Errors: HA_NO_INTERFACE, HA_ADDRESS_TAKEN, NET_ADMIN_REQUIRED, INVALID_INPUT, UNSUPPORTED_PLATFORM. */
export const openFloatingAddress: OpenFloatingAddress = (options) => {
  if (process.platform !== 'linux') throw new BorealisError('UNSUPPORTED_PLATFORM');
  const opened: { close(): void }[] = [];
  try {
    const route = new RouteSocket();
    opened.push(route);
    if (!route.mayChange()) throw new BorealisError('NET_ADMIN_REQUIRED');
    const place = lookUp(route, options);
    const sender = openSender();
    opened.push(sender);
    const fence = new Fence(place.address);
    opened.push(fence);
    fence.refuseUnable();
    const floating = new LinuxFloatingAddress(options, { place, route, sender, fence });
    floating.refuseTaken();
    return floating;
  } catch (error) {
    for (const socket of opened) socket.close();
    throw noRaw(error) ?? translated(error, 'The floating address cannot be prepared');
  }
};

const noRaw = (error: unknown): BorealisError | null =>
  error instanceof Refused && error.errno === 'EPERM'
    ? new BorealisError('NET_ADMIN_REQUIRED', {
        detail: 'CAP_NET_RAW is missing as well: without it the network cannot be told of an address.',
        next: 'Run it as root, or give its service AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW.',
        cause: error,
      })
    : null;

const lookUp = (route: RouteSocket, { address, interfaceName }: FloatingAddressOptions): FloatingPlace => {
  const family = address.includes(':') ? 6 : 4;
  return findPlace(address, interfaceName, route.links(), route.addresses(family));
};

interface Parts {
  readonly place: FloatingPlace;
  readonly route: RouteSocket;
  readonly sender: Socket;
  readonly fence: Fence;
}

class LinuxFloatingAddress implements FloatingAddress {
  readonly #options: FloatingAddressOptions;
  readonly #route: RouteSocket;
  readonly #sender: Socket;
  readonly #fence: Fence;
  readonly #listeners: ((hardwareAddress: string) => void)[] = [];
  #place: FloatingPlace;
  /** Put there by this process and not taken away since; the kernel may have done so. */
  #held = false;
  /** Monotonic milliseconds, until when the fence lets it be here. */
  #until = 0;
  #closed = false;
  #ear: Socket | undefined;
  #earClosing: NodeJS.Timeout | undefined;

  constructor(options: FloatingAddressOptions, { place, route, sender, fence }: Parts) {
    this.#options = options;
    this.#place = place;
    this.#route = route;
    this.#sender = sender;
    this.#fence = fence;
  }

  get interfaceName(): string {
    return this.#place.link.name;
  }

  get ownAddress(): string {
    return this.#place.ownAddress;
  }

  get ownHardwareAddress(): string {
    return hardwareText(this.#place.link.hardwareAddress);
  }

  hold(milliseconds: number): void {
    const seconds = Math.ceil(milliseconds / 1_000);
    if (!(Number.isSafeInteger(milliseconds) && milliseconds >= 1 && seconds <= LIFETIME_MAX)) {
      throw new BorealisError('INTERNAL', { detail: `${milliseconds} ms is no lifetime of an address.` });
    }
    try {
      if (!this.#held) this.refuseTaken();
      const now = performance.now();
      // First, so that it is also the first to end.
      this.#fence.open(milliseconds);
      this.#put(seconds);
      this.#held = true;
      this.#until = now + milliseconds;
    } catch (error) {
      throw translated(error, `${this.#place.text} cannot be put on ${this.interfaceName}`);
    }
  }

  drop(): void {
    try {
      try {
        this.#fence.shut();
      } finally {
        // What is there without our doing is left from a process before this one, or somebody else's.
        if (this.#held || this.#seen().some(isFloating)) this.#remove();
        this.#held = false;
      }
      this.#fence.removeLeft();
    } catch (error) {
      throw translated(error, `${this.#place.text} cannot be taken from ${this.interfaceName}`);
    }
  }

  isHere(): boolean {
    return this.#seen().some(isFloating);
  }

  announce(): void {
    // No chain of nftables sees what is sent here. A process that was stopped meanwhile does not know that it is over.
    if (this.#held && performance.now() >= this.#until) return;
    for (const packet of announcements(this.#place)) sendOn(this.#sender, this.#place, packet);
  }

  probe(): void {
    this.#ear ??=
      listen(this.#place, (claimant) => {
        for (const listener of this.#listeners) listener(hardwareText(claimant));
      }) ?? undefined;
    clearTimeout(this.#earClosing);
    this.#earClosing = setTimeout(() => this.#stopListening(), LISTEN_MS).unref();
    sendOn(this.#sender, this.#place, probe(this.#place));
  }

  onAnswer(listener: (hardwareAddress: string) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening();
    try {
      // Without its fence it would be here for too long.
      this.drop();
      this.#fence.remove();
    } catch (error) {
      throw translated(error, `The fence around ${this.#place.text} cannot be taken away`);
    } finally {
      for (const socket of [this.#fence, this.#sender, this.#route]) socket.close();
    }
  }

  /** Errors: HA_ADDRESS_TAKEN where somebody else has configured it, on whatever interface. */
  refuseTaken(): void {
    const { family, address, text } = this.#place;
    const taken = this.#route
      .addresses(family)
      .find((seen) => seen.address.equals(address) && !isFloating(seen));
    if (!taken) return;
    const name = this.#route.links().find(({ index }) => index === taken.interfaceIndex)?.name;
    const detail = `${text}/${taken.prefixLength} is on ${name ?? 'an interface'}.`;
    throw new BorealisError('HA_ADDRESS_TAKEN', { detail });
  }

  #put(seconds: number): void {
    try {
      this.#putOn(seconds);
    } catch (error) {
      if (!(error instanceof Refused) || error.errno !== 'ENODEV') throw error;
      // Interfaces that are made anew get another number.
      this.#stopListening();
      this.#place = lookUp(this.#route, { ...this.#options, interfaceName: this.interfaceName });
      this.#putOn(seconds);
    }
  }

  #remove(): void {
    const { address, link } = this.#place;
    try {
      this.#route.removeAddress(address, address.length * 8, link.index);
    } catch (error) {
      // The kernel has taken it away already, or the whole interface is gone.
      if (!(error instanceof Refused) || !['EADDRNOTAVAIL', 'ENODEV'].includes(error.errno)) throw error;
    }
  }

  #putOn(seconds: number): void {
    const { family, address, link } = this.#place;
    this.#route.putAddress({
      interfaceIndex: link.index,
      address,
      prefixLength: address.length * 8,
      flags: family === 6 ? IFA_F.nodad | IFA_F.noprefixroute : 0,
      preferred: family === 6 ? 0 : seconds,
      valid: seconds,
    });
  }

  #seen() {
    const { family, address, link } = this.#place;
    return this.#route.addresses(family, link.index).filter((seen) => seen.address.equals(address));
  }

  #stopListening(): void {
    clearTimeout(this.#earClosing);
    this.#ear?.close();
    this.#ear = undefined;
  }
}
