/** How messages to the kernel are written and its answers read: netlink(7). All of it is for this machine alone, so little-endian. */

export const AF_NETLINK = 16;
export const NLMSG = { error: 2, done: 3 } as const;
export const NLM_F = {
  request: 0x1,
  ack: 0x4,
  dump: 0x300,
  replace: 0x100,
  create: 0x400,
} as const;
const HEADER_BYTES = 16;
/** The two upper bits of an attribute's type say how it is written: NLA_F_NESTED, NLA_F_NET_BYTEORDER. */
const NESTED = 0x8000;
const TYPE = 0x3fff;

export interface Message {
  readonly type: number;
  readonly body: Buffer;
}

/** struct nlmsghdr, and what it is of. */
export const message = (type: number, flags: number, sequence: number, body: Buffer): Buffer => {
  const whole = Buffer.alloc(HEADER_BYTES + align(body.length));
  whole.writeUInt32LE(HEADER_BYTES + body.length, 0);
  whole.writeUInt16LE(type, 4);
  whole.writeUInt16LE(flags, 6);
  whole.writeUInt32LE(sequence, 8);
  body.copy(whole, HEADER_BYTES);
  return whole;
};

/** Parts of what was received; copied, for the next receipt overwrites it. */
export function* messagesIn(data: Buffer): Generator<Message & { readonly sequence: number }> {
  for (let at = 0; at + HEADER_BYTES <= data.length; ) {
    const length = data.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > data.length) return;
    const body = Buffer.from(data.subarray(at + HEADER_BYTES, at + length));
    yield { type: data.readUInt16LE(at + 4), sequence: data.readUInt32LE(at + 8), body };
    at += align(length);
  }
}

/** Of a message NLMSG.error: 0 is a yes. */
export const errnoIn = ({ body }: Message): number => -body.readInt32LE(0);

const align = (length: number): number => (length + 3) & ~3;

export const attribute = (type: number, value: Buffer): Buffer => {
  const whole = Buffer.alloc(4 + align(value.length));
  whole.writeUInt16LE(4 + value.length, 0);
  whole.writeUInt16LE(type, 2);
  value.copy(whole, 4);
  return whole;
};

/** Of attributes. */
export const nested = (type: number, ...parts: readonly Buffer[]): Buffer =>
  attribute(type | NESTED, Buffer.concat(parts));

export const attributesIn = (data: Buffer): Map<number, Buffer> => {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= data.length; ) {
    const length = data.readUInt16LE(at);
    if (length < 4 || at + length > data.length) break;
    found.set(data.readUInt16LE(at + 2) & TYPE, data.subarray(at + 4, at + length));
    at += align(length);
  }
  return found;
};
