/** The other side of a handshake, for tests: what a WireGuard answers to an initiation. */
import { generateKeyPairSync } from 'node:crypto';
import { pointObject, pointOf, secretObject } from '../../src/wg/keys.ts';
import { beginning, derive, hash, mac1, seal, shared, unseal } from '../../src/wg/noise.ts';

/** Undefined where it is none for this key, or comes from nobody that is known. */
export const answerTo = (
  initiation: Buffer,
  privateKey: string,
  isKnown: (publicKey: string) => boolean,
): Buffer | undefined => {
  const secret = secretObject(privateKey);
  const own = pointOf(secret);
  if (initiation.length !== 148 || initiation.readUInt32LE(0) !== 1) return undefined;
  if (!mac1(own, initiation.subarray(0, 116)).equals(initiation.subarray(116, 132))) return undefined;
  const theirs = initiation.subarray(8, 40);
  const their = pointObject(theirs);
  let { chain, transcript } = beginning(own);
  transcript = hash(transcript, theirs);
  [chain] = derive(chain, theirs, 1);
  let [next, key] = derive(chain, shared(secret, their), 2);
  const sealedStatic = initiation.subarray(40, 88);
  const peer = unseal(key!, sealedStatic, transcript);
  transcript = hash(transcript, sealedStatic);
  if (!isKnown(peer.toString('base64'))) return undefined;
  [next, key] = derive(next, shared(secret, pointObject(peer)), 2);
  const sealedTime = initiation.subarray(88, 116);
  unseal(key!, sealedTime, transcript);
  transcript = hash(transcript, sealedTime);

  const ephemeral = generateKeyPairSync('x25519');
  const ours = pointOf(ephemeral.publicKey);
  const answer = Buffer.alloc(92);
  answer[0] = 2;
  answer.writeUInt32LE(7, 4);
  answer.writeUInt32LE(initiation.readUInt32LE(4), 8);
  ours.copy(answer, 12);
  transcript = hash(transcript, ours);
  [next] = derive(next, ours, 1);
  [next] = derive(next, shared(ephemeral.privateKey, their), 1);
  [next] = derive(next, shared(ephemeral.privateKey, pointObject(peer)), 1);
  const [, tau, last] = derive(next, Buffer.alloc(32), 3);
  seal(last!, Buffer.alloc(0), hash(transcript, tau!)).copy(answer, 44);
  mac1(peer, answer.subarray(0, 60)).copy(answer, 60);
  return answer;
};
