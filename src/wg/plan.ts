/** The steps from what is observed to what is wanted, as data: what diff.ts decides and apply.ts does. */
import type { Cidr, Key } from './types.ts';

export interface PeerChange {
  readonly publicKey: Key;
  /** Null removes it, undefined leaves it alone; so for the others. */
  readonly presharedKey?: Key | null | undefined;
  readonly endpoint?: string | undefined;
  readonly persistentKeepalive?: number | undefined;
  /** All that it shall have. */
  readonly allowedIps: readonly Cidr[];
}

/** One call to WireGuard. Peers that it does not name are not touched: their sessions live on. */
export interface DeviceChange {
  readonly privateKey?: Key | undefined;
  readonly listenPort?: number | undefined;
  readonly remove?: readonly Key[] | undefined;
  readonly peers?: readonly PeerChange[] | undefined;
}

/** Of a set of our table that is there; each of `gone` is in it. */
export interface ElementChange {
  readonly set: string;
  /** Of its elements, as nft.ts has it: `ipv4_addr . inet_service`. */
  readonly type: string;
  readonly gone: readonly string[];
  readonly come: readonly string[];
}

export type Step =
  | { readonly kind: 'remove-interface'; readonly name: string }
  | { readonly kind: 'create-interface'; readonly name: string }
  /** `narrow` only takes away: it comes before the firewall lets anything new pass. */
  | {
      readonly kind: 'narrow-device' | 'configure-device';
      readonly name: string;
      readonly change: DeviceChange;
    }
  | { readonly kind: 'replace-table'; readonly text: string }
  | { readonly kind: 'remove-table' }
  /** Lines for `ip -batch -`. */
  | { readonly kind: 'configure-ip'; readonly name: string; readonly lines: readonly string[] };
