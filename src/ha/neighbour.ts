/** Neighbour discovery for IPv6 over Ethernet: RFC 4861, and RFC 4862 §5.4 for whose an address is. Whole IPv6 packets. */

export const ETH_P_IPV6 = 0x86dd;
export const ICMPV6 = 58;
export const NEIGHBOUR = { solicitation: 135, advertisement: 136 } as const;
/** Set by the sender and required by the receiver: no router lets it pass (RFC 4861 §3.1). */
export const HOP_LIMIT = 255;
const OVERRIDE = 0x20;
const OPTION = { sourceLink: 1, targetLink: 2 } as const;
const IPV6_BYTES = 40;
const ALL_NODES = Buffer.from('ff020000000000000000000000000001', 'hex');
const SOLICITED_NODE = Buffer.from('ff0200000000000000000001ff', 'hex');

export interface Addressed {
  /** The Ethernet address of the group (RFC 2464 §7). */
  readonly to: Buffer;
  readonly packet: Buffer;
}

/** Unsolicited, to all nodes; they are to forget what they knew (RFC 4861 §7.2.6). */
export const neighbourAnnouncement = (hardwareAddress: Buffer, address: Buffer): Addressed => {
  const message = Buffer.concat([
    Buffer.from([NEIGHBOUR.advertisement, 0, 0, 0, OVERRIDE, 0, 0, 0]),
    address,
    Buffer.from([OPTION.targetLink, 1]),
    hardwareAddress,
  ]);
  return addressed(address, ALL_NODES, message);
};

/** Who has it? From the unspecified address, so without an option and with the answer sent to all (RFC 4862 §5.4.2). */
export const neighbourProbe = (address: Buffer): Addressed => {
  const message = Buffer.concat([Buffer.from([NEIGHBOUR.solicitation, 0, 0, 0, 0, 0, 0, 0]), address]);
  return addressed(Buffer.alloc(16), Buffer.concat([SOLICITED_NODE, address.subarray(13)]), message);
};

/**
 * Of which address an advertisement speaks, and the hardware address where it says it. Null for what is none, also one
 * that came over a router.
 */
export const readAdvertisement = (
  data: Buffer,
): { readonly address: Buffer; readonly hardwareAddress: Buffer | null } | null => {
  if (data.length < IPV6_BYTES + 24 || data[0]! >> 4 !== 6) return null;
  if (data[6] !== ICMPV6 || data[7] !== HOP_LIMIT || data[IPV6_BYTES] !== NEIGHBOUR.advertisement)
    return null;
  const end = Math.min(data.length, IPV6_BYTES + data.readUInt16BE(4));
  const message = data.subarray(IPV6_BYTES, end);
  if (message.length < 24) return null;
  const address = Buffer.from(message.subarray(8, 24));
  for (let at = 24; at + 8 <= message.length; ) {
    const length = message[at + 1]! * 8;
    if (length === 0) return null; // RFC 4861 §4.6: the whole packet is to be dropped
    if (message[at] === OPTION.targetLink) {
      return { address, hardwareAddress: Buffer.from(message.subarray(at + 2, at + 8)) };
    }
    at += length;
  }
  return { address, hardwareAddress: null };
};

const addressed = (source: Buffer, destination: Buffer, message: Buffer): Addressed => {
  const header = Buffer.alloc(8);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(message.length, 4);
  header.writeUInt8(ICMPV6, 6);
  header.writeUInt8(HOP_LIMIT, 7);
  const pseudo = Buffer.concat([
    source,
    destination,
    Buffer.from([0, 0, 0, message.length, 0, 0, 0, ICMPV6]),
  ]);
  message.writeUInt16BE(checksum(Buffer.concat([pseudo, message])), 2);
  return {
    to: Buffer.concat([Buffer.from([0x33, 0x33]), destination.subarray(12)]),
    packet: Buffer.concat([header, source, destination, message]),
  };
};

/** RFC 1071. `data` has an even length: all of ours has. */
const checksum = (data: Buffer): number => {
  let sum = 0;
  for (let at = 0; at < data.length; at += 2) sum += data.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
};
