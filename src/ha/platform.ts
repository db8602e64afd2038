/** What the floating address needs of the machine, so that a simulation can stand in for it. */

export interface FloatingAddress {
  /** `eth0`: the interface that it is put on. */
  readonly interfaceName: string;
  /** This node's own address in the same network, where votes are heard. */
  readonly ownAddress: string;
  /**
   * Puts it there, or makes it last longer: after so long (at most a minute) nothing goes to or from it any more, to a tick of
   * the kernel's clock (10 ms at most), whatever becomes of this process. The kernel may list it for up to two seconds longer. Takes microseconds, and has been done when it returns.
   * Errors: NET_ADMIN_REQUIRED, HA_ADDRESS_TAKEN, HA_NO_INTERFACE, COMMAND_FAILED.
   */
  hold(milliseconds: number): void;
  /**
   * Where somebody else has to be told as well (a cloud): resolves when traffic for the address comes here, of the `hold`
   * that put it there. Rejects where that cannot be, with why; it must be dropped then.
   */
  moved?(): Promise<void>;
  /** Takes it away; harmless where it is not there. */
  drop(): void;
  /** Whether the kernel has it on the interface now; it may, and nothing pass. */
  isHere(): boolean;
  /**
   * Tells the network where it is now: gratuitous ARP (RFC 5227 §2.3), unsolicited neighbour advertisement (RFC 4861 §7.2.6).
   * Nothing where `hold` has run out.
   */
  announce(): void;
  /** Asks the network who has it (RFC 5227 §2.1.1, RFC 4862 §5.4); whoever answers is told of by `onAnswer`. */
  probe(): void;
  /** Hardware addresses of those that said that the floating address is theirs: `52:54:00:12:34:56`. */
  onAnswer(listener: (hardwareAddress: string) => void): void;
  readonly ownHardwareAddress: string;
  /** Takes it away as `drop` does, and all that was made for it. */
  close(): void | Promise<void>;
}

export interface FloatingAddressOptions {
  /** `192.0.2.10/24`. */
  readonly address: string;
  /** Null: the interface that has an address in the same network. */
  readonly interfaceName: string | null;
}
/** Errors: HA_NO_INTERFACE, HA_ADDRESS_TAKEN, NET_ADMIN_REQUIRED, INVALID_INPUT, UNSUPPORTED_PLATFORM. */
export type OpenFloatingAddress = (options: FloatingAddressOptions) => FloatingAddress;

/** Sealed datagrams between the two nodes. */
export interface Datagrams {
  /** Lost or not: nobody says. `data`: JSON, at most DATAGRAM_MAX bytes. */
  send(data: unknown): void;
  /** Where the other node is; null: not known yet. */
  turnTo(endpoint: string | null): void;
  /** Another key of the pair, 32 bytes: who does not have it is not heard from now on, nor hears. */
  rekey(key: Buffer): void;
  /** Only what was sealed with the pair's key by the other node, and is of this process's time. */
  onMessage(listener: (data: unknown) => void): void;
  readonly port: number;
  close(): Promise<void>;
}
/** Bytes of JSON in one datagram: below what every path takes whole (1280, less headers and seal). */
export const DATAGRAM_MAX = 1_150;
