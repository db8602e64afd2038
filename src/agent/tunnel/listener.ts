/** What lives as long as a tunnel stands on this device. */

export interface StandingTunnel {
  readonly tunnelId: string;
  /** Ours, and the engine's: IPv4. */
  readonly deviceAddress: string;
  readonly engineAddress: string;
}

export interface TunnelListener {
  /** The interface has its address: listen there. Must not throw. Not called again while the same tunnel changes. */
  up(tunnel: StandingTunnel): void;
  /** It is gone, or about to go. */
  down(): void;
}
