/** The live channels of agents, as other capabilities see them. Implemented in registry.ts. */
import type { ToAgent } from '../../protocol/frame.ts';
import type { AgentContext } from '../../protocol/scalars.ts';

export interface Channel {
  readonly guid: string;
  readonly context: AgentContext;
  /** Name of the device when it connected. */
  readonly name: string;
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  readonly lastHeardAt: number;
  /** Of its end of tunnels, base64; null where it makes none. */
  readonly wireguardKey: string | null;
  /** It can run VPN services. */
  readonly hostsServices: boolean;
  /** False where the frame could not be handed to the socket (closing, or too much unsent). */
  send(frame: ToAgent): boolean;
}

export interface Channels {
  get(guid: string, context: AgentContext): Channel | undefined;
  /** True while at least one context of the device is connected. */
  isOnline(guid: string): boolean;
  /** GUIDs of all connected devices. */
  online(): Iterable<string>;
  readonly count: number;
  /** Closes every channel of the device now. `code` is one of CLOSE in protocol/frame.ts. */
  disconnect(guid: string, code: number, reason: string): void;
}
