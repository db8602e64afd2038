/**
 * A client's answer to an initiation of the service, of which whatever can be is made beforehand: a thousand clients have a
 * thousand processors, and here they share one with the bastions that are measured. Messages as in the whitepaper, §5.4.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { keyBytes, pointObject, pointOf, secretObject } from '../../src/wg/keys.ts';
import { beginning, derive, hash, mac1, seal, shared, unseal } from '../../src/wg/noise.ts';

const NO_PSK = Buffer.alloc(32);
const NOTHING = Buffer.alloc(0);

interface Ephemeral {
  readonly secret: KeyObject;
  readonly bytes: Buffer;
  /** With the service. */
  readonly shared: Buffer;
}

export class Answering {
  readonly #own: Buffer;
  readonly #secret: KeyObject;
  readonly #service: Buffer;
  readonly #servicePublic: KeyObject;
  readonly #shared: Buffer;
  readonly #receiver: number;
  #ready: Ephemeral | undefined;

  /** `receiver`: what the other side is to call the session. */
  constructor(privateKey: string, service: string, receiver: number) {
    this.#secret = secretObject(privateKey);
    this.#own = pointOf(this.#secret);
    this.#service = keyBytes(service);
    this.#servicePublic = pointObject(this.#service);
    this.#shared = shared(this.#secret, this.#servicePublic);
    this.#receiver = receiver;
  }

  /** For the next answer; an ephemeral key is used once. */
  prepare(): void {
    this.#ready ??= this.#ephemeral();
  }

  #ephemeral(): Ephemeral {
    const { privateKey: secret, publicKey } = generateKeyPairSync('x25519');
    const bytes = pointOf(publicKey);
    return { secret, bytes, shared: shared(secret, this.#servicePublic) };
  }

  /** Undefined where it is no initiation of the service for this client. */
  to(initiation: Buffer): Buffer | undefined {
    const [own, service] = [this.#own, this.#service];
    if (initiation.length !== 148 || initiation[0] !== 1) return undefined;
    if (!mac1(own, initiation.subarray(0, 116)).equals(initiation.subarray(116, 132))) return undefined;
    const theirs = initiation.subarray(8, 40);
    const their = pointObject(theirs);
    let { chain, transcript } = beginning(own);
    transcript = hash(transcript, theirs);
    [chain] = derive(chain, theirs, 1);
    let [next, key] = derive(chain, shared(this.#secret, their), 2);
    const sealedStatic = initiation.subarray(40, 88);
    if (!unseal(key!, sealedStatic, transcript).equals(service)) return undefined;
    transcript = hash(transcript, sealedStatic);
    [next, key] = derive(next, this.#shared, 2);
    const sealedTime = initiation.subarray(88, 116);
    unseal(key!, sealedTime, transcript);
    transcript = hash(transcript, sealedTime);

    const { secret, bytes, shared: withService } = this.#ready ?? this.#ephemeral();
    this.#ready = undefined;
    const answer = Buffer.alloc(92);
    answer[0] = 2;
    answer.writeUInt32LE(this.#receiver, 4);
    answer.writeUInt32LE(initiation.readUInt32LE(4), 8);
    bytes.copy(answer, 12);
    transcript = hash(transcript, bytes);
    [next] = derive(next, bytes, 1);
    [next] = derive(next, shared(secret, their), 1);
    [next] = derive(next, withService, 1);
    const [, tau, last] = derive(next, NO_PSK, 3);
    seal(last!, NOTHING, hash(transcript, tau!)).copy(answer, 44);
    mac1(service, answer.subarray(0, 60)).copy(answer, 60);
    return answer;
  }
}
