/**
 * Who has the floating address: what the kernel of each node says (rtnetlink, without a fork), and who answers for it on
 * the wire (ARP probes, RFC 5227, each from a hardware address of its own, so that an answer belongs to one question).
 *
 *   watch-program.ts ADDRESS NAMESPACE BRIDGE NAME=NAMESPACE…
 *
 * Both are asked of all by one thread. Two have it at once where the first one has it still after the second one had it.
 *
 * The kernel may list an address for a second or two after its lifetime (check_lifetime in net/ipv4/devinet.c looks at most
 * once a second, and any other change of an address puts that off). Where a node fences the address (src/ha/fence.linux.ts),
 * it has it for as long as the fence is open: that is asked as well before two are said to have it. What the fence is worth is
 * seen on the wire.
 */
import { closeSync, openSync } from 'node:fs';
import { libc } from '../../../src/sys/libc.linux.ts';
import { attribute, message, messagesIn, NLM_F, NLMSG } from '../../../src/sys/netlink.linux.ts';
import { RouteSocket } from '../../../src/sys/rtnetlink.linux.ts';
import { SOCK, Socket } from '../../../src/sys/socket.linux.ts';
import { now } from './observer.ts';

const LOOK_MS = 5;
const PROBE_MS = 20;
const CLONE_NEWNET = 0x4000_0000;
const [AF_NETLINK, AF_PACKET] = [16, 17];
const ETH_P_ARP = 0x0806;
const RTMGRP_IPV4_IFADDR = 0x10;
const [SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC] = [263, 1, 1];

const [address = '', routerNamespace = '', bridge = '', ...nodeArgs] = process.argv.slice(2);
/** Of nftables (linux/netfilter/nfnetlink.h, nf_tables.h). */
const NETLINK_NETFILTER = 12;
const NFPROTO_INET = 1;
const SUBSYSTEM_NFTABLES = 10 << 8;
const [NFT_MSG_NEWSETELEM, NFT_MSG_GETSETELEM] = [12, 13];
const wanted = Buffer.from(address.split('.').map(Number));
const own = openSync('/proc/self/ns/net', 'r');
const setns = libc().function<(fd: number, kind: number) => number>('int setns(int fd, int kind)');

/** Sockets belong to the namespace that the thread is in as they are made. */
const within = <T>(path: string, make: () => T): T => {
  const there = openSync(path, 'r');
  if (setns(there, CLONE_NEWNET) !== 0) throw new Error(`cannot enter ${path}`);
  try {
    return make();
  } finally {
    setns(own, CLONE_NEWNET);
    closeSync(there);
  }
};

const tell = (saw: object): void => void process.stdout.write(`${JSON.stringify({ at: now(), ...saw })}\n`);

const fenceSet = Buffer.concat([
  Buffer.from([NFPROTO_INET, 0, 0, 0]),
  attribute(1, Buffer.from(`borealis_ha_${wanted.toString('hex')}\0`)),
  attribute(2, Buffer.from('held\0')),
]);
/** Elements whose time is over are not listed. A node without such a table fences nothing. */
const isOpen = (nftables: Socket): boolean => {
  nftables.send(message(SUBSYSTEM_NFTABLES | NFT_MSG_GETSETELEM, NLM_F.request | NLM_F.dump, 1, fenceSet));
  let open = false;
  for (let received = nftables.receive(); received; received = nftables.receive()) {
    for (const { type, body } of messagesIn(received.data)) {
      if (type === NLMSG.error) open ||= body.readInt32LE(0) !== 0;
      else if (type === (SUBSYSTEM_NFTABLES | NFT_MSG_NEWSETELEM)) open ||= body.includes(wanted);
    }
  }
  return open;
};

// -- The kernels' word --------------------------------------------------------------------------------------------------

const nodes = nodeArgs.map((argument) => {
  const [name = '', path = ''] = argument.split('=');
  return within(path, () => {
    const route = new RouteSocket();
    const hardware = route
      .links()
      .find((link) => link.name === 'eth0')!
      .hardwareAddress.toString('hex');
    const changes = new Socket(AF_NETLINK, SOCK.raw, 0, 16_384);
    const groups = Buffer.alloc(12);
    groups.writeUInt16LE(AF_NETLINK, 0);
    groups.writeUInt32LE(RTMGRP_IPV4_IFADDR, 8);
    changes.bind(groups);
    const nftables = new Socket(AF_NETLINK, SOCK.raw, NETLINK_NETFILTER, 32 * 1_024);
    return {
      name,
      hardware,
      changes,
      lists: () => route.addresses(4).some((seen) => seen.address.equals(wanted)),
      isOpen: () => isOpen(nftables),
    };
  });
});

let holders = '';
/** It is told when it begins. */
const double = { kernel: false, wire: false };
let looked = now();
const look = (): void => {
  const began = now();
  const listing = nodes.filter(({ lists }) => lists());
  const having = listing.length > 1 ? listing.filter((node) => node.isOpen() && node.lists()) : listing;
  const two = having.length > 1 && having[0]!.isOpen() && having[0]!.lists();
  if (two && !double.kernel) tell({ two: having.map(({ name }) => name), by: 'kernel' });
  double.kernel = two;
  const names = having.map(({ name }) => name).join(' ');
  // Between two looks that are far apart anything may have happened: whoever reads this is to know.
  const blind = Math.round(began - looked);
  if (names !== holders) tell({ holders: having.map(({ name }) => name), blind });
  [holders, looked] = [names, now()];
};
setInterval(look, LOOK_MS);
for (const { changes } of nodes) {
  changes.onReadable(() => {
    try {
      while (changes.receive());
    } catch {
      // ENOBUFS: changes came faster than they were read; what is there now is looked at all the same.
    }
    look();
  });
}

// -- The wire's ---------------------------------------------------------------------------------------------------------

const wire = within(routerNamespace, () => {
  const { index } = new RouteSocket().links().find((link) => link.name === bridge)!;
  const socket = new Socket(AF_PACKET, SOCK.raw, 0, 2_048);
  const at = Buffer.alloc(20);
  at.writeUInt16LE(AF_PACKET, 0);
  at.writeUInt16BE(ETH_P_ARP, 2);
  at.writeInt32LE(index, 4);
  socket.bind(at);
  // Answers go to addresses that are nobody's.
  const all = Buffer.alloc(16);
  all.writeInt32LE(index, 0);
  all.writeUInt16LE(PACKET_MR_PROMISC, 4);
  socket.setOption(SOL_PACKET, PACKET_ADD_MEMBERSHIP, all);
  return socket;
});

/** Ethernet's type, then of ARP: Ethernet, IPv4, 6 and 4 bytes of address, operation (RFC 826). */
const ARP_REQUEST = Buffer.from('08060001080006040001', 'hex');
const ARP_REPLY = Buffer.from('08060001080006040002', 'hex');
/** Names of who answered, by the hardware address that asked. */
const asked = new Map<string, Set<string>>();
const TAG = Buffer.from('02b0', 'hex');
let count = 0;
const probe = (): void => {
  count += 1;
  const sender = Buffer.alloc(6);
  TAG.copy(sender);
  sender.writeUInt32BE(count, 2);
  asked.set(sender.toString('hex'), new Set());
  const [all, nobody] = [Buffer.alloc(6, 0xff), Buffer.alloc(10)];
  // From no address of IPv4, so that it changes nobody's table.
  wire.send(Buffer.concat([all, sender, ARP_REQUEST, sender, nobody, wanted]));
};
const listen = (): void => {
  for (let received = wire.receive(); received; received = wire.receive()) {
    const { data } = received;
    if (!data.subarray(12, 22).equals(ARP_REPLY) || !data.subarray(28, 32).equals(wanted)) continue;
    const hardware = data.toString('hex', 22, 28);
    const name = nodes.find((node) => node.hardware === hardware)?.name;
    asked.get(data.toString('hex', 0, 6))?.add(name ?? hardware);
  }
};
let answering = '';
/** The question before the newest has had its time to be answered. */
const judge = (): void => {
  for (const [key, names] of [...asked].slice(0, -1)) {
    asked.delete(key);
    const all = [...names].sort();
    if (all.length > 1 && !double.wire) tell({ two: all, by: 'wire' });
    double.wire = all.length > 1;
    if (all.join(' ') !== answering) tell({ answering: all });
    answering = all.join(' ');
  }
};
wire.onReadable(listen);
setInterval(() => {
  listen();
  judge();
  try {
    probe();
  } catch {
    // ENOBUFS, ENETDOWN: the bridge has no port that is up at the moment.
  }
}, PROBE_MS);
look();
tell({ ready: true });
process.stdin.on('end', () => process.exit()).resume();
