/** Tunnels as other capabilities of the engine see them: shells, copies, and whatever else goes through one. */

export interface TunnelSession {
  readonly tunnelId: string;
  readonly guid: string;
  /** Name of the device. */
  readonly device: string;
  /** The device's address in the tunnel; connect to it from this process. */
  readonly address: string;
}

/** Whose user may open connections, as the kernel says. */
export interface DirectUser {
  readonly uid: number;
  /** For `operators` of the session. */
  readonly user: string;
}

/** A port that may be connected to, until `close`. */
export interface Allowance {
  close(): void;
  /** Settles when the port is no longer an allowed one; never where the tunnel ends. */
  readonly withdrawn: Promise<void>;
}

export interface Tunnels {
  /**
   * Brings the tunnel up, or joins it; resolves when packets pass. It counts as use by that operator.
   * Errors: DEVICE_OFFLINE, DEVICE_STATE_CONFLICT, TUNNEL_FAILED, NET_ADMIN_REQUIRED, WIREGUARD_MISSING, PORT_TAKEN, TIMED_OUT.
   */
  open(guid: string, by: DirectUser): Promise<TunnelSession>;
  /** The session whose packets pass now. */
  current(guid: string): TunnelSession | undefined;
  /** Operator payload passed: moves the idle clock. Cheap; to be called as often as one likes. */
  used(guid: string, bytes: number): void;
  /**
   * Lets processes of that user connect to the port (TCP), if it is an allowed one or the agent's own; until `close`, or the
   * session ends. Resolves when the firewall says so. Errors: PORT_NOT_ALLOWED, TUNNEL_DOWN.
   */
  allow(guid: string, to: DirectUser, port: number): Promise<Allowance>;
  /** Called when packets begin to pass for a new session, and when a session is over. Must not throw. */
  onChange(listener: (guid: string, session: TunnelSession | undefined) => void): () => void;
}
