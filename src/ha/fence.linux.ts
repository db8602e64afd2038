/**
 * Ends a floating address to the millisecond. The kernel takes an address away when it next looks, which may be a second
 * late (ADDRCONF_TIMER_FUZZ_MAX); the timeout of an element of a set in nftables is asked at each packet. So nothing goes to
 * or from the address, and nobody is told that it is here, unless it is in the set; whatever its process does, and whether
 * there still is one.
 *
 * The tables are of this address alone, and stay when the process is killed: so does the address, for a while.
 */
import { BorealisError } from '../protocol/errors.ts';
import {
  ARP_HOOK,
  addElement,
  type Change,
  deleteTable,
  drop,
  type Field,
  fieldIs,
  flushSet,
  HOOK,
  isLocal,
  isNotIn,
  metaIs,
  NFPROTO,
  NftSocket,
  newAddressSet,
  newChain,
  newRule,
  newTable,
  type TableName,
} from '../sys/nftables.linux.ts';
import { Refused } from '../sys/socket.linux.ts';
import { addressText } from './interface.ts';
import { ICMPV6, NEIGHBOUR } from './neighbour.ts';

const SET = 'held';
/** Before connections are followed and addresses translated; after that. */
const FIRST = -310;
const LAST = 300;
const IP = {
  4: { protocol: NFPROTO.ipv4, source: { base: 1, offset: 12 }, destination: { base: 1, offset: 16 } },
  6: { protocol: NFPROTO.ipv6, source: { base: 1, offset: 8 }, destination: { base: 1, offset: 24 } },
} as const;
const ARP = {
  operation: { base: 1, offset: 6 },
  sender: { base: 1, offset: 14 },
  target: { base: 1, offset: 24 },
} as const;
const ARP_REQUEST = Buffer.from([0, 1]);
const ICMP_TYPE: Field = { base: 2, offset: 0 };
/** Whose hardware address is asked for or told (RFC 4861 §4.3, §4.4). */
const ICMP_TARGET: Field = { base: 2, offset: 8 };

interface Chain {
  readonly table: TableName;
  readonly name: string;
  readonly hook: number;
  readonly priority: number;
  readonly rules: readonly (readonly Buffer[])[];
}

export class Fence {
  readonly #socket = new NftSocket();
  readonly #address: Buffer;
  readonly #tables: readonly TableName[];
  /** Unknown: a process before this one may have left it. */
  #stands: boolean | 'unknown' = 'unknown';

  /** `address`: 4 or 16 bytes. Errors of all its calls: Refused. */
  constructor(address: Buffer) {
    this.#address = address;
    const name = `borealis_ha_${address.toString('hex')}`;
    const families = address.length === 4 ? [NFPROTO.inet, NFPROTO.arp] : [NFPROTO.inet];
    this.#tables = families.map((family) => ({ family, name }));
  }

  /** Errors: UNSUPPORTED_PLATFORM where the kernel cannot make such a fence; NET_ADMIN_REQUIRED. */
  refuseUnable(): void {
    try {
      this.#socket.check(this.#made(1));
    } catch (error) {
      if (!(error instanceof Refused) || error.errno === 'EPERM') throw error;
      throw new BorealisError('UNSUPPORTED_PLATFORM', {
        detail: `This kernel cannot fence an address in nftables: ${error.message}.`,
        next: 'It needs Linux 5.4 or later with nf_tables for inet and arp, and nft_fib_inet: modprobe nf_tables nft_fib_inet',
        cause: error,
      });
    }
  }

  /** From now on, for so long. What passes now goes on to pass meanwhile. */
  open(milliseconds: number): void {
    this.#set(milliseconds);
  }

  /** Nothing passes, if it stands. */
  shut(): void {
    if (this.#stands === true) this.#set(0);
  }

  /** Also what a process before this one left. */
  remove(): void {
    if (this.#stands === false) return;
    this.#socket.commit(this.#gone());
    this.#stands = false;
  }

  /** What a process before this one left, and nothing else. */
  removeLeft(): void {
    if (this.#stands === 'unknown') this.remove();
  }

  close(): void {
    this.#socket.close();
  }

  #set(milliseconds: number): void {
    if (this.#stands === true) {
      try {
        this.#socket.commit(this.#filled(milliseconds));
        return;
      } catch (error) {
        // Somebody has flushed all tables of the machine, as the service nftables does when it begins.
        if (!(error instanceof Refused) || error.errno !== 'ENOENT') throw error;
      }
    }
    this.#socket.commit(this.#made(milliseconds));
    this.#stands = true;
  }

  /** Emptied first: before Linux 6.12 an element that is there keeps its time. */
  #filled(milliseconds: number): Change[] {
    return this.#tables.flatMap((table) => [
      flushSet(table, SET),
      ...(milliseconds > 0 ? [addElement(table, SET, this.#address, milliseconds)] : []),
    ]);
  }

  /** Made first, so that there is one to delete. */
  #gone(): Change[] {
    return this.#tables.flatMap((table) => [newTable(table, this.#comment), deleteTable(table)]);
  }

  #made(milliseconds: number): Change[] {
    const bytes = this.#address.length === 4 ? 4 : 16;
    return [
      ...this.#gone(),
      ...this.#tables.flatMap((table) => [newTable(table, this.#comment), newAddressSet(table, SET, bytes)]),
      ...this.#chains().flatMap(({ table, name, hook, priority, rules }) => [
        newChain(table, name, hook, priority),
        ...rules.map((rule) => newRule(table, name, rule)),
      ]),
      ...this.#filled(milliseconds),
    ];
  }

  get #comment(): string {
    return `Borealis: the floating address ${addressText(this.#address)}`;
  }

  #chains(): Chain[] {
    const [inet, arp] = this.#tables;
    const family = this.#address.length === 4 ? 4 : 6;
    const { protocol, source, destination } = IP[family];
    const rule = (before: readonly Buffer[], at: Field, between: readonly Buffer[] = []) => [
      ...before,
      ...fieldIs(at, this.#address),
      ...between,
      ...isNotIn(SET, at, this.#address.length),
      drop,
    ];
    const ofFamily = metaIs('protocolFamily', protocol);
    const chain = (
      name: keyof typeof HOOK,
      priority: number,
      rules: readonly (readonly Buffer[])[],
    ): Chain => ({
      table: inet!,
      name,
      hook: HOOK[name],
      priority,
      rules,
    });
    const neighbour = (type: keyof typeof NEIGHBOUR) =>
      rule(
        [...ofFamily, ...metaIs('protocol', ICMPV6), ...fieldIs(ICMP_TYPE, Buffer.from([NEIGHBOUR[type]]))],
        ICMP_TARGET,
      );
    return [
      // Local: else it may be on its way to the node that has it. Here, where what is translated is not yet.
      chain('prerouting', FIRST, [rule(ofFamily, destination, isLocal('destination'))]),
      chain('output', LAST, [rule(ofFamily, source), ...(family === 6 ? [neighbour('advertisement')] : [])]),
      // What was translated to come from it.
      chain('postrouting', LAST, [rule(ofFamily, source, isLocal('source'))]),
      ...(family === 6 ? [chain('input', FIRST, [neighbour('solicitation')])] : []),
      ...(arp
        ? [
            {
              table: arp,
              name: 'input',
              hook: ARP_HOOK.input,
              priority: 0,
              rules: [rule(fieldIs(ARP.operation, ARP_REQUEST), ARP.target)],
            },
            // Requests as well: whoever hears one learns who asks.
            { table: arp, name: 'output', hook: ARP_HOOK.output, priority: 0, rules: [rule([], ARP.sender)] },
          ]
        : []),
    ];
  }
}
