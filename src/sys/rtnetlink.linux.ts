/**
 * Addresses and links of this network namespace, rtnetlink(7). The kernel works a request off while it is sent and has
 * answered when `send` returns, so nothing waits here, and nothing is forked: microseconds.
 */

import { errorName } from './libc.linux.ts';
import {
  AF_NETLINK,
  attribute,
  attributesIn,
  errnoIn,
  type Message,
  message,
  messagesIn,
  NLM_F,
  NLMSG,
} from './netlink.linux.ts';
import { Refused, SOCK, Socket } from './socket.linux.ts';

const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
const NETLINK_GET_STRICT_CHK = 12;
const RTM = { newlink: 16, getlink: 18, newaddr: 20, deladdr: 21, getaddr: 22 } as const;
const IFLA = { address: 1, name: 3 } as const;
const IFA = { address: 1, local: 2, cacheinfo: 6, flags: 8 } as const;
/** linux/if_addr.h. */
export const IFA_F = {
  temporary: 0x01,
  nodad: 0x02,
  dadfailed: 0x08,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  noprefixroute: 0x200,
} as const;
/** Lifetime of what stays. */
export const FOREVER = 0xffff_ffff;
export const FAMILY = { 4: 2, 6: 10 } as const;
/** The kernel makes no part of a dump larger (netlink_dump). */
const ROOM = 32 * 1024;

export interface LinkSeen {
  readonly index: number;
  readonly name: string;
  /** ARPHRD_: 1 is Ethernet. */
  readonly type: number;
  readonly hardwareAddress: Buffer;
}

export interface AddressSeen {
  readonly family: 4 | 6;
  readonly interfaceIndex: number;
  /** 4 or 16 bytes. */
  readonly address: Buffer;
  readonly prefixLength: number;
  readonly flags: number;
  /** Seconds left; FOREVER. */
  readonly valid: number;
}

export interface AddressWanted {
  readonly interfaceIndex: number;
  readonly address: Buffer;
  readonly prefixLength: number;
  readonly flags: number;
  readonly preferred: number;
  readonly valid: number;
}

/** Errors of all its calls: Refused, with the kernel's errno. */
export class RouteSocket {
  readonly #socket = new Socket(AF_NETLINK, SOCK.raw, NETLINK_ROUTE, ROOM);
  #sequence = 0;

  constructor() {
    const on = Buffer.from([1, 0, 0, 0]);
    try {
      this.#socket.setOption(SOL_NETLINK, NETLINK_GET_STRICT_CHK, on);
    } catch {
      // Before Linux 4.20 the kernel lists more than was asked for; what is not wanted is left out here as well.
    }
  }

  links(): LinkSeen[] {
    const found = this.#ask(RTM.getlink, NLM_F.dump, Buffer.alloc(16));
    return found.filter(({ type }) => type === RTM.newlink).map(({ body }) => link(body));
  }

  /** `interfaceIndex` 0: of all interfaces. */
  addresses(family: 4 | 6, interfaceIndex = 0): AddressSeen[] {
    const found = this.#ask(RTM.getaddr, NLM_F.dump, addressHeader(family, 0, interfaceIndex));
    return found
      .filter(({ type }) => type === RTM.newaddr)
      .map(({ body }) => address(body))
      .filter((seen) => seen.family === family)
      .filter((seen) => interfaceIndex === 0 || seen.interfaceIndex === interfaceIndex);
  }

  /** Adds it, or changes lifetime and flags of the one that is there, which goes on being there meanwhile. */
  putAddress(wanted: AddressWanted): void {
    const { address: bytes, prefixLength, interfaceIndex, flags, preferred, valid } = wanted;
    const cacheinfo = Buffer.alloc(16);
    cacheinfo.writeUInt32LE(preferred, 0);
    cacheinfo.writeUInt32LE(valid, 4);
    const allFlags = Buffer.alloc(4);
    allFlags.writeUInt32LE(flags);
    const body = Buffer.concat([
      addressHeader(familyOf(bytes), prefixLength, interfaceIndex),
      attribute(IFA.local, bytes),
      attribute(IFA.address, bytes),
      attribute(IFA.cacheinfo, cacheinfo),
      attribute(IFA.flags, allFlags),
    ]);
    this.#ask(RTM.newaddr, NLM_F.create | NLM_F.replace | NLM_F.ack, body);
  }

  /** EADDRNOTAVAIL where it is not there with that prefix length. */
  removeAddress(bytes: Buffer, prefixLength: number, interfaceIndex: number): void {
    const header = addressHeader(familyOf(bytes), prefixLength, interfaceIndex);
    const body = Buffer.concat([header, attribute(IFA.local, bytes), attribute(IFA.address, bytes)]);
    this.#ask(RTM.deladdr, NLM_F.ack, body);
  }

  /** Whether addresses may be changed. Asked by taking one away from no interface: the permission is looked at first. */
  mayChange(): boolean {
    try {
      this.removeAddress(Buffer.alloc(4), 32, 0);
    } catch (error) {
      if (error instanceof Refused && error.errno === 'EPERM') return false;
      if (!(error instanceof Refused)) throw error;
    }
    return true;
  }

  close(): void {
    this.#socket.close();
  }

  #ask(type: number, flags: number, body: Buffer): Message[] {
    this.#sequence += 1;
    this.#socket.send(message(type, flags | NLM_F.request, this.#sequence, body));
    const messages: Message[] = [];
    for (;;) {
      const received = this.#socket.receive();
      // Only where the kernel had no memory for its answer.
      if (!received) throw new Refused('netlink', 'ENOBUFS');
      for (const { sequence, ...part } of messagesIn(received.data)) {
        if (sequence !== this.#sequence) continue;
        if (part.type === NLMSG.done) return messages;
        if (part.type !== NLMSG.error) {
          messages.push(part);
          continue;
        }
        const errno = errnoIn(part);
        if (errno !== 0) throw new Refused('netlink', errorName(errno));
        return messages;
      }
    }
  }
}

const familyOf = (address: Buffer): 4 | 6 => (address.length === 4 ? 4 : 6);

/** struct ifaddrmsg. */
const addressHeader = (family: 4 | 6, prefixLength: number, interfaceIndex: number): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt8(FAMILY[family], 0);
  header.writeUInt8(prefixLength, 1);
  header.writeUInt32LE(interfaceIndex, 4);
  return header;
};

const address = (body: Buffer): AddressSeen => {
  const found = attributesIn(body.subarray(8));
  return {
    family: body.readUInt8(0) === FAMILY[4] ? 4 : 6,
    prefixLength: body.readUInt8(1),
    interfaceIndex: body.readUInt32LE(4),
    // On links from point to point IFA_ADDRESS is the other end's.
    address: found.get(IFA.local) ?? found.get(IFA.address) ?? Buffer.alloc(0),
    flags: found.get(IFA.flags)?.readUInt32LE(0) ?? body.readUInt8(2),
    valid: found.get(IFA.cacheinfo)?.readUInt32LE(4) ?? FOREVER,
  };
};

/** struct ifinfomsg. */
const link = (body: Buffer): LinkSeen => {
  const found = attributesIn(body.subarray(16));
  return {
    type: body.readUInt16LE(2),
    index: body.readInt32LE(4),
    name: (found.get(IFLA.name) ?? Buffer.alloc(0)).toString('utf8').replace(/\0.*$/s, ''),
    hardwareAddress: Buffer.from(found.get(IFLA.address) ?? Buffer.alloc(0)),
  };
};
