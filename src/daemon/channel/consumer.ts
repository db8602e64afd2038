/** What other capabilities hear of the channels. One object each; none of its functions may throw or block. */
import type { FromAgent } from '../../protocol/frame.ts';
import type { AgentChannel } from './agent-channel.ts';

export type FrameOf<T extends FromAgent['type']> = Extract<FromAgent, { type: T }>;

/**
 * How a channel ended. `left`: the agent said goodbye, or was shut out, or fell silent: it is away. `broke`: it may well
 * be back in a moment. `replaced`: another channel of the same device and context has taken its place already.
 */
export type Parting = 'left' | 'broke' | 'replaced';

export interface FrameHandlers {
  ACCEPTED(channel: AgentChannel, frame: FrameOf<'ACCEPTED'>): void;
  OUTPUT(channel: AgentChannel, frame: FrameOf<'OUTPUT'>): void;
  RESULT(channel: AgentChannel, frame: FrameOf<'RESULT'>): void;
  TELEMETRY(channel: AgentChannel, frame: FrameOf<'TELEMETRY'>): void;
  INVENTORY(channel: AgentChannel, frame: FrameOf<'INVENTORY'>): void;
  EVENT(channel: AgentChannel, frame: FrameOf<'EVENT'>): void;
  TUNNEL_STATE(channel: AgentChannel, frame: FrameOf<'TUNNEL_STATE'>): void;
  BASTION_STATE(channel: AgentChannel, frame: FrameOf<'BASTION_STATE'>): void;
  BASTION_PEERS(channel: AgentChannel, frame: FrameOf<'BASTION_PEERS'>): void;
  BASTION_SWITCHES(channel: AgentChannel, frame: FrameOf<'BASTION_SWITCHES'>): void;
  BASTION_VOTE(channel: AgentChannel, frame: FrameOf<'BASTION_VOTE'>): void;
}

export interface ChannelConsumer {
  /** The channel has been welcomed: frames may be sent. */
  onReady?(channel: AgentChannel): void;
  /** A channel that was ready is gone; the registry does not know it any more. */
  onClosed?(channel: AgentChannel, parting: Parting): void;
  /** Once a second, after the channels themselves were looked through. `now` is monotonic. */
  onTick?(now: number): void;
  /** Frames of ready channels. Each type has one handler in the engine. */
  readonly frames?: Partial<FrameHandlers>;
}
