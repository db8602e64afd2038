/** Messages of the relay: WireGuard's packets one after another, each after its length (protocol/tunnel-session.ts). Pure. */

const LENGTH_BYTES = 2;

/** Those of a message, or undefined where it is cut off or holds what is no packet of WireGuard. */
export const readPackets = (message: Buffer): Buffer[] | undefined => {
  const packets: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    if (at + LENGTH_BYTES > message.length) return undefined;
    const end = at + LENGTH_BYTES + message.readUInt16BE(at);
    const packet = message.subarray(at + LENGTH_BYTES, end);
    if (end > message.length || !isWireGuard(packet)) return undefined;
    packets.push(packet);
    at = end;
  }
  return packets;
};

export const writePackets = (packets: readonly Buffer[]): Buffer => {
  const message = Buffer.allocUnsafe(packets.reduce((sum, packet) => sum + LENGTH_BYTES + packet.length, 0));
  let at = 0;
  for (const packet of packets) {
    message.writeUInt16BE(packet.length, at);
    packet.copy(message, at + LENGTH_BYTES);
    at += LENGTH_BYTES + packet.length;
  }
  return message;
};

/** Initiation, response, cookie, data: whitepaper §5.4. Data is at least a header and an authenticator. */
const SIZES: Readonly<Record<number, (size: number) => boolean>> = {
  1: (size) => size === 148,
  2: (size) => size === 92,
  3: (size) => size === 64,
  4: (size) => size >= 32,
};

export const isWireGuard = (packet: Uint8Array): boolean =>
  packet.length >= 32 &&
  packet[1] === 0 &&
  packet[2] === 0 &&
  packet[3] === 0 &&
  (SIZES[packet[0] ?? 0]?.(packet.length) ?? false);
