/** Clients that are called, rather than waited for: a keepalive to somebody without a session begins a handshake. Pure. */
import type { WantedInterface, WantedNetwork } from '../../wg/types.ts';

export interface Calling {
  /** By public key. */
  readonly endpoints: ReadonlyMap<string, string>;
  /** Seconds. */
  readonly keepalive: number;
}

/** Handshakes are begun with those whose place is known. */
export const calling = (network: WantedNetwork, call: Calling | null): WantedNetwork => {
  if (!call) return network;
  return {
    ...network,
    interfaces: network.interfaces?.map(
      (of): WantedInterface => ({
        ...of,
        peers: of.peers?.map((peer) => {
          const endpoint = call.endpoints.get(peer.publicKey);
          return endpoint === undefined ? peer : { ...peer, endpoint, persistentKeepalive: call.keepalive };
        }),
      }),
    ),
  };
};
