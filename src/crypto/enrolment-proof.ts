/**
 * Proof of possession at enrolment (DESIGN §4.4): the agent signs these bytes with the key it asks a certificate for.
 * They hold the engine's single-use nonce (no replay), the request (no mixing of two requests), the key itself, and a
 * value that only the two ends of this very TLS connection know (RFC 9266), so that nobody in the middle can pass the
 * proof on.
 */
import type { TLSSocket } from 'node:tls';

const DOMAIN = 'borealis enrolment proof v1\0';
const CHANNEL_BINDING_LABEL = 'EXPORTER-Channel-Binding';
/** Zero bytes; in TLS 1.3 the same as none (RFC 8446 §7.5). */
const NO_CONTEXT = Buffer.alloc(0);
export const CHANNEL_BINDING_BYTES = 32;

export interface EnrolmentProof {
  readonly requestId: string;
  /** The engine's nonce, 16 to 64 bytes. */
  readonly nonce: Uint8Array;
  /** `channelBinding(socket)`, 32 bytes, taken at one's own end. */
  readonly exporter: Uint8Array;
  /** The agent's Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** The bytes to sign. Each field is preceded by its length (32 bits, big-endian): no two proofs share their bytes. */
export function enrolmentProofMessage({ requestId, nonce, exporter, publicKey }: EnrolmentProof): Uint8Array {
  const request = Buffer.from(requestId, 'utf8');
  demand(request.length >= 1 && request.length <= 128, 'a request id is 1 to 128 bytes');
  demand(nonce.length >= 16 && nonce.length <= 64, 'a nonce is 16 to 64 bytes');
  demand(exporter.length === CHANNEL_BINDING_BYTES, 'a channel binding is 32 bytes');
  demand(publicKey.length === 32, 'an Ed25519 public key is 32 bytes');
  const fields = [request, nonce, exporter, publicKey].flatMap((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return [length, field];
  });
  return Buffer.concat([Buffer.from(DOMAIN, 'latin1'), ...fields]);
}

/** tls-exporter of RFC 9266: the same at both ends, different for each connection. TLS 1.3 only, after the handshake. */
export function channelBinding(socket: TLSSocket): Buffer {
  demand(socket.getProtocol() === 'TLSv1.3', 'a channel binding needs an established TLS 1.3 connection');
  return socket.exportKeyingMaterial(CHANNEL_BINDING_BYTES, CHANNEL_BINDING_LABEL, NO_CONTEXT);
}

function demand(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new RangeError(sentence);
}
