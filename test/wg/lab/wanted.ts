/** Networks for the lab. */
import { generateKeyPair, type KeyPair } from '../../../src/wg/keys.ts';
import type { WantedInterface, WantedPeer } from '../../../src/wg/types.ts';

export const peer = (keys: KeyPair, address: string, rest: Partial<WantedPeer> = {}): WantedPeer => ({
  publicKey: keys.publicKey,
  allowedIps: [`${address}/32`],
  ...rest,
});

export const engineInterface = (
  name: string,
  keys: KeyPair,
  peers: readonly WantedPeer[],
  rest: Partial<WantedInterface> = {},
): WantedInterface => ({
  name,
  privateKey: keys.privateKey,
  listenPort: 30_000,
  mtu: 1_380,
  addresses: ['10.255.0.1/16'],
  routes: ['10.254.0.0/24'],
  peers,
  ...rest,
});

export const keyPairs = (count: number): KeyPair[] => Array.from({ length: count }, generateKeyPair);
