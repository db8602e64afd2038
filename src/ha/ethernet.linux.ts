/** What is said and heard of an address on an Ethernet: packet(7). */
import { type FilterStep, type Received, Refused, SOCK, Socket } from '../sys/socket.linux.ts';
import { arpAnnouncements, arpProbe, ETH_P_ARP, readArp } from './arp.ts';
import type { FloatingPlace } from './interface.ts';
import {
  ETH_P_IPV6,
  HOP_LIMIT,
  ICMPV6,
  NEIGHBOUR,
  neighbourAnnouncement,
  neighbourProbe,
  readAdvertisement,
} from './neighbour.ts';

const AF_PACKET = 17;
const PACKET_OUTGOING = 4;
const EVERYBODY = Buffer.alloc(6, 0xff);
/** Larger than any ARP packet or advertisement that says something. */
const ROOM = 2_048;

/** linux/bpf_common.h: load a byte; jump if equal; return. */
const BPF = { loadByte: 0x30, jumpIfEqual: 0x15, return: 0x06 } as const;
/** Else every IPv6 packet of the machine would be copied to us. Next header, hop limit, type of ICMPv6. */
const ADVERTISEMENTS: readonly FilterStep[] = [
  [BPF.loadByte, 0, 0, 6],
  [BPF.jumpIfEqual, 0, 5, ICMPV6],
  [BPF.loadByte, 0, 0, 7],
  [BPF.jumpIfEqual, 0, 3, HOP_LIMIT],
  [BPF.loadByte, 0, 0, 40],
  [BPF.jumpIfEqual, 0, 1, NEIGHBOUR.advertisement],
  [BPF.return, 0, 0, 0xffff],
  [BPF.return, 0, 0, 0],
];

/** struct sockaddr_ll. */
const linkAddress = (protocol: number, interfaceIndex: number, hardwareAddress?: Buffer): Buffer => {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(protocol, 2);
  address.writeInt32LE(interfaceIndex, 4);
  address.writeUInt8(hardwareAddress?.length ?? 0, 11);
  hardwareAddress?.copy(address, 12);
  return address;
};

/** Errors: Refused, `EPERM` without CAP_NET_RAW. */
export const openSender = (): Socket => new Socket(AF_PACKET, SOCK.dgram, 0, 0);

interface Outgoing {
  readonly to: Buffer;
  readonly packet: Buffer;
}

const toEverybody = (packet: Buffer): Outgoing => ({ to: EVERYBODY, packet });

export const announcements = ({ family, address, link }: FloatingPlace): Outgoing[] =>
  family === 4
    ? arpAnnouncements(link.hardwareAddress, address).map(toEverybody)
    : [neighbourAnnouncement(link.hardwareAddress, address)];

export const probe = ({ family, address, link }: FloatingPlace): Outgoing =>
  family === 4 ? toEverybody(arpProbe(link.hardwareAddress, address)) : neighbourProbe(address);

/** The link is down, gone, or has more to send than it can: as if the packet were lost, which it may be anyway. */
const LOST: ReadonlySet<string> = new Set(['ENETDOWN', 'ENXIO', 'ENODEV', 'ENOBUFS', 'EAGAIN']);

export const sendOn = (socket: Socket, { family, link }: FloatingPlace, { to, packet }: Outgoing): void => {
  try {
    socket.send(packet, linkAddress(family === 4 ? ETH_P_ARP : ETH_P_IPV6, link.index, to));
  } catch (error) {
    if (!(error instanceof Refused) || !LOST.has(error.errno)) throw error;
  }
};

/** Hears what others say of the address until it is closed. Null where the interface has gone. */
export const listen = (place: FloatingPlace, onClaim: (hardwareAddress: Buffer) => void): Socket | null => {
  // Of no protocol until its filter is there: it would begin with packets that nobody wants.
  const socket = new Socket(AF_PACKET, SOCK.dgram, 0, ROOM);
  try {
    if (place.family === 6) socket.filter(ADVERTISEMENTS);
    socket.bind(linkAddress(place.family === 4 ? ETH_P_ARP : ETH_P_IPV6, place.link.index));
  } catch (error) {
    socket.close();
    if (error instanceof Refused && LOST.has(error.errno)) return null;
    throw error;
  }
  socket.onReadable(() => {
    for (let received = receive(socket); received; received = receive(socket)) {
      const claimant = claimantIn(received, place);
      if (claimant && !claimant.equals(place.link.hardwareAddress)) onClaim(claimant);
    }
  });
  return socket;
};

const receive = (socket: Socket): Received | null => {
  try {
    return socket.receive();
  } catch (error) {
    // ENETDOWN: the link went down meanwhile; nothing is to be heard of it.
    if (error instanceof Refused) return null;
    throw error;
  }
};

/** Who says in it that the address is theirs. */
const claimantIn = ({ data, from }: Received, { family, address }: FloatingPlace): Buffer | null => {
  if (from.length < 18 || from[10] === PACKET_OUTGOING) return null;
  const heard = family === 4 ? readArp(data) : readAdvertisement(data);
  if (!heard?.address.equals(address)) return null;
  return heard.hardwareAddress ?? Buffer.from(from.subarray(12, 18));
};
