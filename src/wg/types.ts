/**
 * What is wanted of the network and what is observed of it are different types: in what is wanted, `undefined` leaves
 * alone what is there; in what is observed, nothing is secret, so it may be shown and logged.
 */

/** A key as `wg` writes it: 32 bytes as base64 with padding. */
export type Key = string;
/** `10.255.0.7/32`, `fd00::/64`. A bare address stands for itself alone. */
export type Cidr = string;

export interface WantedPeer {
  readonly publicKey: Key;
  /** Null: none. */
  readonly presharedKey?: Key | null | undefined;
  /** `192.0.2.1:30000` or `[2001:db8::1]:30000`; no name, which would be resolved once and then be wrong. */
  readonly endpoint?: string | undefined;
  /** Seconds, 0 to 65535; 0 is off. */
  readonly persistentKeepalive?: number | undefined;
  readonly allowedIps: readonly Cidr[];
  /** Milliseconds since 1970, from when on it is not wanted. Whoever wants it sees to that: this room asks no clock. */
  readonly expiresAt?: number | undefined;
}

export interface WantedInterface {
  /** A letter, then letters, digits and _: 15 at most (IFNAMSIZ). */
  readonly name: string;
  readonly privateKey: Key;
  /** UDP; 0 or undefined leaves it to WireGuard. */
  readonly listenPort?: number | undefined;
  readonly mtu?: number | undefined;
  /** All of the interface's addresses beyond those of scope link, which are the kernel's. */
  readonly addresses?: readonly Cidr[] | undefined;
  /** Those that we add through the interface; routes that others add through it stay. */
  readonly routes?: readonly Cidr[] | undefined;
  readonly peers?: readonly WantedPeer[] | undefined;
}

/** A port, and the peer that it is about. */
export interface Allowance {
  /** IPv4, the peer's. */
  readonly address: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

/** What this machine opens. */
export interface OutgoingAllowance extends Allowance {
  /** Processes of this user alone; left out, of all. */
  readonly uid?: number | undefined;
}

/**
 * Connections that may be opened, and what belongs to them; all else is refused, nothing is forwarded. What is allowed no
 * longer ends at once, live connections too.
 */
export interface FirewallInterface {
  readonly name: string;
  /** Addresses of this machine on the interface: who sends to them from elsewhere is not heard. */
  readonly addresses: readonly string[];
  /** This machine opens them, to that port of the peer. */
  readonly outgoing: readonly OutgoingAllowance[];
  /** The peer opens them, to that port of this machine. */
  readonly incoming: readonly Allowance[];
}

/** What a peer of a gateway may open. */
export interface GatewayTarget {
  readonly network: Cidr;
  /** Null: whatever it is, ports or not. */
  readonly protocol: 'tcp' | 'udp' | null;
  /** Null: all of them. */
  readonly ports: { readonly from: number; readonly to: number } | null;
}

/**
 * An interface whose peers reach networks beyond this machine. Who may open what to where; all else is refused, and
 * what is allowed no longer ends at once, live connections too. Either family.
 */
export interface GatewayFirewall {
  readonly name: string;
  /** Of this machine on the interface: they answer a ping, and who sends to them from elsewhere is not heard. */
  readonly addresses: readonly string[];
  /** Networks of the interface's own addresses: nobody elsewhere sends from them. */
  readonly pools: readonly Cidr[];
  /** Networks beyond this machine. Their hosts may open whatever they like to `sites`, unless they are the internet. */
  readonly local: readonly Cidr[];
  /** Networks beyond the peers. */
  readonly sites: readonly Cidr[];
  /** Peers that may open whatever they like to `local` and `sites`. */
  readonly open: readonly Cidr[];
  /** Peers and networks beyond them that may open just that; no source is given twice, nor is one of `open`. */
  readonly restricted: readonly {
    readonly sources: readonly Cidr[];
    readonly targets: readonly GatewayTarget[];
  }[];
  /** What leaves by other interfaces has this machine's address. */
  readonly masquerade: boolean;
  /** Of the interface: TCP is told not to send more. */
  readonly mtu: number;
  /**
   * WireGuard's own packets come from this address and are heard there alone; while this machine does not have it,
   * nothing leaves: whoever lost the address by the kernel's hand is silent, whatever its processes do.
   */
  readonly floating?: { readonly address: string; readonly port: number } | undefined;
}

/** What a gateway has because of one client, and because of nobody else. */
export interface GatewayClient {
  readonly peer: WantedPeer;
  readonly open: GatewayFirewall['open'];
  readonly restricted: GatewayFirewall['restricted'];
}

/** Of the interface with that name, and its table. One that is another than before goes and comes. */
export interface Amendment {
  readonly name: string;
  readonly gone: readonly GatewayClient[];
  readonly come: readonly GatewayClient[];
}

export interface WantedNetwork {
  readonly interfaces?: readonly WantedInterface[] | undefined;
  /** The whole of our table. Null: no table. */
  readonly firewall?: readonly FirewallInterface[] | GatewayFirewall | null | undefined;
}

export interface ObservedPeer {
  readonly publicKey: Key;
  /** SHA-256, base64url; null where there is none. */
  readonly presharedKeyDigest: string | null;
  readonly endpoint: string | null;
  /** Unix seconds; null before the first handshake. */
  readonly lastHandshake: number | null;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Seconds; 0 is off. */
  readonly persistentKeepalive: number;
  readonly allowedIps: readonly Cidr[];
}

/** What WireGuard itself knows of an interface. */
export interface ObservedDevice {
  /** Null where it has no key yet. */
  readonly publicKey: Key | null;
  /** 0 where it has none yet. */
  readonly listenPort: number;
  readonly peers: readonly ObservedPeer[];
}

/** Who moves the packets. */
export type DriverName = 'kernel' | 'wireguard-go';

export interface ObservedInterface extends ObservedDevice {
  readonly driver: DriverName;
  readonly up: boolean;
  readonly mtu: number;
  readonly addresses: readonly Cidr[];
  readonly routes: readonly Cidr[];
}

/**
 * `foreign`: the name belongs to somebody else, for that reason. `broken`: ours, and no longer of use: half made, or its
 * process hangs.
 */
export type Presence =
  | { readonly state: 'absent' }
  | { readonly state: 'foreign'; readonly why: string }
  | { readonly state: 'broken' }
  | { readonly state: 'present'; readonly interface: ObservedInterface };

export interface ObservedNetwork {
  readonly interfaces: ReadonlyMap<string, Presence>;
  /** Canonical text of our table (nft.ts); null where there is none, undefined where nobody asked. */
  readonly table: string | null | undefined;
}
