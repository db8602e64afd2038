/**
 * The door between the agent listener and the channels: the listener authenticates (certificate of our CA, token bound
 * to its key), then hands the upgrade over. Whoever implements `ChannelAcceptor` owns the socket from that call on.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AgentContext } from '../../protocol/scalars.ts';

/** Who is at the other end, as the listener proved it. */
export interface ConnectedAgent {
  readonly guid: string;
  readonly context: AgentContext;
  readonly deviceName: string;
  /** Ed25519 identity of this context, 32 bytes, as device_context.public_key holds it: results are checked with it. */
  readonly publicKey: Uint8Array;
  /** Milliseconds since 1970. The channel does not outlive the certificate, nor CHANNEL_LIFE_MS. */
  readonly certificateExpiresAt: number;
}

export interface ChannelAcceptor {
  /**
   * Takes over an upgrade request of an authenticated agent. To be called in the same turn as the authentication's
   * last look at the store; the device's state is read once more when it says HELLO. Never throws: a request that is
   * no WebSocket handshake of our subprotocol is answered with an HTTP error and its socket destroyed.
   */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, agent: ConnectedAgent): void;
}
