/**
 * One handshake with a peer's WireGuard, by hand: tells whether packets of ours reach it and its answers come back, and
 * that it is the peer who answers. No session is used that comes of it. Messages as in the whitepaper, §5.4.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { keyBytes, pointObject, pointOf, secretObject } from './keys.ts';
import { beginning, derive, hash, mac1, seal, shared, unseal } from './noise.ts';
import type { Key } from './types.ts';

const NO_PSK = Buffer.alloc(32);
/** TAI64 counts from 2^62, and had ten leap seconds' lead when Unix time began. */
const TAI64_EPOCH = 2n ** 62n + 10n;
/** WireGuard rounds its timestamps so, so as to tell less of the clock: 2^24 ns. */
const TIMESTAMP_GRAIN = 0x00ff_ffff;

export interface HandshakeParts {
  /** Of the one who asks, and the public key of the one who is asked. */
  readonly privateKey: Key;
  readonly peer: Key;
  /** Chosen at random; the answer names it. 32 bits. */
  readonly sender: number;
  /** Milliseconds since 1970; must have grown since the handshake before, by 17 at least. */
  readonly now: number;
}

export interface Handshake {
  /** 148 bytes, to be sent. */
  readonly initiation: Buffer;
  /** What there is with the peer, where this is its answer. */
  finish(packet: Buffer): Established | undefined;
}

export interface Established {
  /** What the peer calls it, in packets to it. */
  readonly receiver: number;
  /** With which what is sent is sealed. */
  readonly sendingKey: Buffer;
}

/** Errors: INVALID_INPUT, where a key is none. */
export const beginHandshake = ({ privateKey, peer, sender, now }: HandshakeParts): Handshake => {
  const ephemeral = generateKeyPairSync('x25519');
  const ephemeralPublic = pointOf(ephemeral.publicKey);
  const own = secretObject(privateKey);
  const ownPublic = pointOf(own);
  const peerPublic = keyBytes(peer, 'public key');
  const peerPoint = pointObject(peerPublic);

  let { chain, transcript } = beginning(peerPublic);
  const mix = (data: Uint8Array): void => {
    transcript = hash(transcript, data);
  };
  const initiation = Buffer.alloc(148);
  initiation[0] = 1;
  initiation.writeUInt32LE(sender, 4);
  ephemeralPublic.copy(initiation, 8);
  mix(ephemeralPublic);
  [chain] = derive(chain, ephemeralPublic, 1);

  let [next, key] = derive(chain, shared(ephemeral.privateKey, peerPoint), 2);
  const sealedStatic = seal(key!, ownPublic, transcript);
  sealedStatic.copy(initiation, 40);
  mix(sealedStatic);
  [next, key] = derive(next, shared(own, peerPoint), 2);
  chain = next;
  const sealedTime = seal(key!, tai64n(now), transcript);
  sealedTime.copy(initiation, 88);
  mix(sealedTime);
  mac1(peerPublic, initiation.subarray(0, 116)).copy(initiation, 116);
  // The last 16 bytes, mac2, are zeros: nobody has given us a cookie.

  return {
    initiation,
    finish: (packet) =>
      packet.length === 92 &&
      packet.readUInt32LE(0) === 2 &&
      packet.readUInt32LE(8) === sender &&
      mac1(ownPublic, packet.subarray(0, 60)).equals(packet.subarray(60, 76))
        ? establish(packet, { chain, transcript, ephemeral: ephemeral.privateKey, own })
        : undefined,
  };
};

interface State {
  readonly chain: Buffer;
  readonly transcript: Buffer;
  readonly ephemeral: KeyObject;
  readonly own: KeyObject;
}

/** Only who has the peer's private key can have sealed the nothing in it. */
const establish = (packet: Buffer, { chain, transcript, ephemeral, own }: State): Established | undefined => {
  const theirs = packet.subarray(12, 44);
  try {
    const their = pointObject(theirs);
    let [next] = derive(chain, theirs, 1);
    [next] = derive(next, shared(ephemeral, their), 1);
    [next] = derive(next, shared(own, their), 1);
    const [last, tau, key] = derive(next, NO_PSK, 3);
    const before = hash(hash(transcript, theirs), tau!);
    unseal(key!, packet.subarray(44, 60), before);
    return { receiver: packet.readUInt32LE(4), sendingKey: derive(last, Buffer.alloc(0), 2)[0] };
  } catch {
    return undefined; // a point of low order, or a seal that is not the peer's
  }
};

const tai64n = (ms: number): Buffer => {
  const stamp = Buffer.alloc(12);
  stamp.writeBigUInt64BE(BigInt(Math.floor(ms / 1000)) + TAI64_EPOCH);
  stamp.writeUInt32BE((Math.round((ms % 1000) * 1_000_000) & ~TIMESTAMP_GRAIN) >>> 0, 8);
  return stamp;
};
