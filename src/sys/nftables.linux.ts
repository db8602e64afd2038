/**
 * nftables by its own messages (linux/netfilter/nf_tables.h): changes that must take microseconds, whatever other tables
 * the machine has, and need no program. The kernel has worked them off when `send` returns, all or none.
 */
import { errorName } from './libc.linux.ts';
import {
  AF_NETLINK,
  attribute,
  errnoIn,
  message,
  messagesIn,
  NLM_F,
  NLMSG,
  nested,
} from './netlink.linux.ts';
import { Refused, SOCK, Socket } from './socket.linux.ts';

const NETLINK_NETFILTER = 12;
const SUBSYSTEM = 10;
const BATCH = { begin: 0x10, end: 0x11 } as const;
const DO = {
  newTable: 0,
  getTable: 1,
  deleteTable: 2,
  newChain: 3,
  newRule: 6,
  newSet: 9,
  newElements: 12,
  deleteElements: 14,
} as const;
/** Of answers; the kernel repeats what it refuses. */
const ROOM = 32 * 1024;
const LIST_ELEMENT = 1;
const COMMENT = 0;

export const NFPROTO = { inet: 1, ipv4: 2, arp: 3, ipv6: 10 } as const;
/** Of `inet`; those of `arp` are counted on their own. */
export const HOOK = { prerouting: 0, input: 1, output: 3, postrouting: 4 } as const;
export const ARP_HOOK = { input: 0, output: 1 } as const;

export interface TableName {
  readonly family: number;
  readonly name: string;
}

export interface Change {
  readonly type: number;
  readonly flags: number;
  readonly family: number;
  readonly body: Buffer;
}

export class NftSocket {
  readonly #socket = new Socket(AF_NETLINK, SOCK.raw, NETLINK_NETFILTER, ROOM);
  #sequence = 0;

  /** All of it or nothing, in one moment for packets. Errors: Refused, with the errno of the first that was refused. */
  commit(changes: readonly Change[]): void {
    this.#ask([...changes], true);
  }

  /** Whether it could be done, doing nothing. Errors: as of `commit`. */
  check(changes: readonly Change[]): void {
    this.#ask([...changes], false);
  }

  /** Whether there is such a table. Errors: Refused, `EPERM` without CAP_NET_ADMIN. */
  has({ family, name }: TableName): boolean {
    const body = Buffer.concat([generic(family, 0), text(1, name)]);
    this.#socket.send(this.#message((SUBSYSTEM << 8) | DO.getTable, NLM_F.ack, body));
    const asked = this.#sequence;
    for (let received = this.#socket.receive(); received; received = this.#socket.receive()) {
      for (const part of messagesIn(received.data)) {
        if (part.type !== NLMSG.error || part.sequence !== asked) continue;
        const errno = errnoIn(part);
        if (errno === 0) return true;
        if (errorName(errno) === 'ENOENT') return false;
        throw new Refused('nftables', errorName(errno));
      }
    }
    // Only where the kernel had no memory for its answer.
    throw new Refused('nftables', 'ENOBUFS');
  }

  close(): void {
    this.#socket.close();
  }

  #ask(changes: Change[], end: boolean): void {
    const first = this.#sequence + 1;
    const parts = changes.map(({ type, flags, family, body }, index) => {
      // One yes for all, and a no for each that is refused.
      const ack = index === changes.length - 1 ? NLM_F.ack : 0;
      return this.#message((SUBSYSTEM << 8) | type, flags | ack, Buffer.concat([generic(family, 0), body]));
    });
    // What has no end is looked at, and undone.
    const ending = end ? [this.#message(BATCH.end, 0, generic(0, SUBSYSTEM))] : [];
    const beginning = this.#message(BATCH.begin, 0, generic(0, SUBSYSTEM));
    this.#socket.send(Buffer.concat([beginning, ...parts, ...ending]));
    let answered = false;
    for (let received = this.#socket.receive(); received; received = this.#socket.receive()) {
      for (const part of messagesIn(received.data)) {
        if (part.type !== NLMSG.error || part.sequence < first || part.sequence > this.#sequence) continue;
        const errno = errnoIn(part);
        if (errno !== 0) {
          this.#drain();
          throw new Refused('nftables', errorName(errno));
        }
        answered = true;
      }
    }
    // Only where the kernel had no memory for its answer.
    if (!answered) throw new Refused('nftables', 'ENOBUFS');
  }

  #message(type: number, flags: number, body: Buffer): Buffer {
    this.#sequence += 1;
    return message(type, flags | NLM_F.request, this.#sequence, body);
  }

  #drain(): void {
    while (this.#socket.receive()) {
      // Further refusals follow from the first.
    }
  }
}

/** struct nfgenmsg. */
const generic = (family: number, resource: number): Buffer =>
  Buffer.from([family, 0, resource >> 8, resource & 0xff]);

const text = (type: number, value: string): Buffer => attribute(type, Buffer.from(`${value}\0`));
const number = (type: number, value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return attribute(type, bytes);
};

const change = (type: number, { family }: TableName, ...parts: readonly Buffer[]): Change => ({
  type,
  flags: NLM_F.create,
  family,
  body: Buffer.concat(parts),
});

/** Makes it where it is not there. `comment`: shown with it by nft(8). */
export const newTable = (table: TableName, comment: string): Change => {
  const said = Buffer.from(`${comment}\0`);
  const data = Buffer.concat([Buffer.from([COMMENT, said.length]), said]);
  return change(DO.newTable, table, text(1, table.name), attribute(6, data));
};

/** With all that is in it. */
export const deleteTable = (table: TableName): Change => ({
  ...change(DO.deleteTable, table, text(1, table.name)),
  flags: 0,
});

const SET_TIMEOUT = 0x10;
/** As nft(8) numbers the types that it shows. */
const KEY_TYPE = { 4: 7, 16: 8 } as const;

/** Of addresses, each of which may last for a time. */
export const newAddressSet = (table: TableName, set: string, bytes: 4 | 16): Change =>
  change(
    DO.newSet,
    table,
    text(1, table.name),
    text(2, set),
    number(3, SET_TIMEOUT),
    number(4, KEY_TYPE[bytes]),
    number(5, bytes),
    number(10, 1),
  );

/** A chain that looks at packets; what it does not drop goes on. */
export const newChain = (table: TableName, chain: string, hook: number, priority: number): Change =>
  change(
    DO.newChain,
    table,
    text(1, table.name),
    text(3, chain),
    nested(4, number(1, hook), number(2, priority)),
    text(7, 'filter'),
  );

const NLM_F_APPEND = 0x800;
export const newRule = (table: TableName, chain: string, expressions: readonly Buffer[]): Change => ({
  ...change(DO.newRule, table, text(1, table.name), text(2, chain), nested(4, ...expressions)),
  flags: NLM_F.create | NLM_F_APPEND,
});

export const flushSet = (table: TableName, set: string): Change => ({
  ...change(DO.deleteElements, table, text(1, table.name), text(2, set)),
  flags: 0,
});

/** It is in the set for so long, to a tick of the kernel's clock: each lookup asks the time. */
export const addElement = (table: TableName, set: string, key: Buffer, milliseconds: number): Change => {
  const timeout = Buffer.alloc(8);
  timeout.writeBigUInt64BE(BigInt(milliseconds));
  const element = nested(LIST_ELEMENT, nested(1, attribute(1, key)), attribute(4, timeout));
  return change(DO.newElements, table, text(1, table.name), text(2, set), nested(3, element));
};

/** An attribute has 64 KiB at most. */
const ELEMENTS_AT_ONCE = 1_000;

/** Of a set without timeouts. One that is there already may be added again; one that is not cannot be deleted: ENOENT. */
export const changeElements = (
  verb: 'add' | 'delete',
  table: TableName,
  set: string,
  keys: readonly Buffer[],
): Change[] => {
  const changes: Change[] = [];
  for (let at = 0; at < keys.length; at += ELEMENTS_AT_ONCE) {
    const some = keys.slice(at, at + ELEMENTS_AT_ONCE);
    const elements = some.map((key) => nested(LIST_ELEMENT, nested(1, attribute(1, key))));
    const type = verb === 'add' ? DO.newElements : DO.deleteElements;
    const one = change(type, table, text(1, table.name), text(2, set), nested(3, ...elements));
    changes.push(verb === 'add' ? one : { ...one, flags: 0 });
  }
  return changes;
};

/** The only register that is used: 16 bytes. */
const REGISTER = 1;
const VERDICT_REGISTER = 0;
const NF_DROP = 0;
const INVERTED = 1;

const expression = (name: string, ...parts: readonly Buffer[]): Buffer =>
  nested(LIST_ELEMENT, text(1, name), nested(2, ...parts));

const META = { protocolFamily: 15, protocol: 16 } as const;
const load = {
  meta: (key: keyof typeof META): Buffer => expression('meta', number(2, META[key]), number(1, REGISTER)),
  header: (base: number, offset: number, bytes: number): Buffer =>
    expression('payload', number(1, REGISTER), number(2, base), number(3, offset), number(4, bytes)),
};
const isEqual = (value: Buffer): Buffer =>
  expression('cmp', number(1, REGISTER), number(2, 0), nested(3, attribute(1, value)));

/** Where in a packet: 1 is the network's header, 2 the one after it. */
export interface Field {
  readonly base: 1 | 2;
  readonly offset: number;
}

export const fieldIs = ({ base, offset }: Field, value: Buffer): Buffer[] => [
  load.header(base, offset, value.length),
  isEqual(value),
];
export const metaIs = (key: keyof typeof META, value: number): Buffer[] => [
  load.meta(key),
  isEqual(Buffer.from([value])),
];

const FIB_RESULT_TYPE = 3;
const RTN_LOCAL = 2;
const FIB = { source: 1, destination: 2 } as const;
/** The address is one of this machine's. */
export const isLocal = (side: keyof typeof FIB): Buffer[] => {
  const local = Buffer.alloc(4);
  local.writeUInt32LE(RTN_LOCAL);
  return [
    expression('fib', number(1, REGISTER), number(2, FIB_RESULT_TYPE), number(3, FIB[side])),
    isEqual(local),
  ];
};

export const isNotIn = (set: string, { base, offset }: Field, bytes: number): Buffer[] => [
  load.header(base, offset, bytes),
  expression('lookup', text(1, set), number(2, REGISTER), number(5, INVERTED)),
];

export const drop: Buffer = expression(
  'immediate',
  number(1, VERDICT_REGISTER),
  nested(2, nested(2, number(1, NF_DROP))),
);
