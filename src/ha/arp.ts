/** ARP over Ethernet for IPv4: RFC 826, and RFC 5227 for whose an address is. */

export const ETH_P_ARP = 0x0806;
/** Hardware Ethernet, protocol IPv4, 6 and 4 bytes of address. */
const KIND = Buffer.from('000108000604', 'hex');
const OPERATION = { request: 1, reply: 2 } as const;
const BYTES = 28;
const NOBODY = Buffer.alloc(6);

export interface ArpHeard {
  readonly hardwareAddress: Buffer;
  readonly address: Buffer;
}

const packet = (
  operation: keyof typeof OPERATION,
  sender: { hardwareAddress: Buffer; address: Buffer },
  target: { hardwareAddress: Buffer; address: Buffer },
): Buffer =>
  Buffer.concat([
    KIND,
    Buffer.from([0, OPERATION[operation]]),
    sender.hardwareAddress,
    sender.address,
    target.hardwareAddress,
    target.address,
  ]);

/**
 * Gratuitous ARP, to be sent to all. Both forms: RFC 5227 §3 wants the request, since some take no reply that they did
 * not ask for; other machines, switches above all, learn from replies only (RFC 5944 §4.6 allows either).
 */
export const arpAnnouncements = (hardwareAddress: Buffer, address: Buffer): Buffer[] => [
  packet('request', { hardwareAddress, address }, { hardwareAddress: NOBODY, address }),
  packet('reply', { hardwareAddress, address }, { hardwareAddress, address }),
];

/** Who has it? From no address, so that it changes nobody's table (RFC 5227 §1.1). */
export const arpProbe = (hardwareAddress: Buffer, address: Buffer): Buffer =>
  packet('request', { hardwareAddress, address: Buffer.alloc(4) }, { hardwareAddress: NOBODY, address });

/** What the sender of any ARP packet, a request as well as a reply, says of itself. Null for what is no ARP for IPv4. */
export const readArp = (data: Buffer): ArpHeard | null => {
  if (data.length < BYTES || !data.subarray(0, KIND.length).equals(KIND)) return null;
  return { hardwareAddress: Buffer.from(data.subarray(8, 14)), address: Buffer.from(data.subarray(14, 18)) };
};
