/** What the processes of a fleet share: agents as if enrolled, in a file of JSON lines that only its owner can read. */
import { readFileSync } from 'node:fs';

export interface EnrolledAgent {
  readonly guid: string;
  readonly name: string;
  /** base64url, 32 bytes. */
  readonly seed: string;
  readonly certificate: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

export interface FleetHead {
  readonly pin: string;
  /** PEM of the engine's authority. */
  readonly authority: string;
  /** base64url; the key with which the engine signs, and its id. */
  readonly signingKey: string;
  readonly signingKeyId: string;
  /** When the access tokens end, milliseconds since 1970. */
  readonly tokensExpireAt: number;
  /** A server certificate of the same authority, for the floor. */
  readonly floor: { readonly certificate: string; readonly key: string };
}

export const readFleet = (path: string): { readonly head: FleetHead; readonly agents: EnrolledAgent[] } => {
  const [head, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  return {
    head: JSON.parse(head!) as FleetHead,
    agents: lines.map((line) => JSON.parse(line) as EnrolledAgent),
  };
};
