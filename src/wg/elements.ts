/** Elements of sets as the kernel keeps them, from the text that nft(8) shows. Pure. */
import { type Change, changeElements, type TableName } from '../sys/nftables.linux.ts';
import type { ElementChange } from './plan.ts';

/** What goes comes first. Errors: TypeError for a type of elements that no set of nft.ts has. */
export const elementOrders = (table: TableName, { set, type, gone, come }: ElementChange): Change[] => {
  const keys = (elements: readonly string[]) => elements.map((element) => keyOf(type, element));
  return [
    ...changeElements('delete', table, set, keys(gone)),
    ...changeElements('add', table, set, keys(come)),
  ];
};

/** Its parts one after the other, each at a multiple of four bytes. */
const keyOf = (type: string, element: string): Buffer => {
  const parts = element.split(' . ');
  return Buffer.concat(type.split(' . ').map((kind, index) => PARTS[kind]!(parts[index]!)));
};

const PARTS: Readonly<Record<string, (text: string) => Buffer>> = {
  ipv4_addr: (text) => Buffer.from(text.split('.').map(Number)),
  inet_service: (text) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt16BE(Number(text));
    return bytes;
  },
  // As this machine writes numbers, for the kernel compares it with one of its own.
  uid: (text) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(Number(text));
    return bytes;
  },
};
