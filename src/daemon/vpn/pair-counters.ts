/** What the two nodes of a pair count, as one: each has counters of its own, and a client is at one of them. */
import type { ObservedPeer } from '../../wg/types.ts';
import type { Traffic } from './traffic.ts';

interface Counted {
  readonly received: number;
  readonly sent: number;
}

export class PairCounters {
  /** By connection and node: as they were last. */
  readonly #seen = new Map<string, Counted>();

  /** `before`: where counting goes on. What a node had counted before it was first heard of is not counted again. */
  joined(
    { id }: { readonly id: string },
    before: Traffic,
    found: readonly { readonly guid: string; readonly peer: ObservedPeer }[],
  ): ObservedPeer | undefined {
    let [received, sent] = [before.rx_seen, before.tx_seen];
    let newest: ObservedPeer | undefined;
    for (const { guid, peer } of found) {
      const key = `${id} ${guid}`;
      const last = this.#seen.get(key);
      if (last) {
        received += grown(last.received, peer.receivedBytes);
        sent += grown(last.sent, peer.sentBytes);
      }
      this.#seen.set(key, { received: peer.receivedBytes, sent: peer.sentBytes });
      if (!newest || (peer.lastHandshake ?? 0) > (newest.lastHandshake ?? 0)) newest = peer;
    }
    return (
      newest && {
        ...newest,
        receivedBytes: Math.min(received, Number.MAX_SAFE_INTEGER),
        sentBytes: Math.min(sent, Number.MAX_SAFE_INTEGER),
      }
    );
  }
}

const grown = (before: number, now: number): number => (now >= before ? now - before : now);
