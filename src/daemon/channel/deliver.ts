/** A frame of a channel that is ready, to the one capability that wants its type. */
import type { FromAgent } from '../../protocol/frame.ts';
import type { AgentChannel } from './agent-channel.ts';
import type { FrameHandlers } from './consumer.ts';

/** Those are the channel's own business. */
type Delivered = Exclude<FromAgent, { type: 'HELLO' | 'PING' | 'PONG' }>;

export const deliver = (frames: Partial<FrameHandlers>, channel: AgentChannel, frame: Delivered): void => {
  switch (frame.type) {
    case 'ACCEPTED':
      frames.ACCEPTED?.(channel, frame);
      break;
    case 'OUTPUT':
      frames.OUTPUT?.(channel, frame);
      break;
    case 'RESULT':
      frames.RESULT?.(channel, frame);
      break;
    case 'TELEMETRY':
      frames.TELEMETRY?.(channel, frame);
      break;
    case 'INVENTORY':
      frames.INVENTORY?.(channel, frame);
      break;
    case 'EVENT':
      frames.EVENT?.(channel, frame);
      break;
    case 'TUNNEL_STATE':
      frames.TUNNEL_STATE?.(channel, frame);
      break;
    case 'BASTION_STATE':
      frames.BASTION_STATE?.(channel, frame);
      break;
    case 'BASTION_PEERS':
      frames.BASTION_PEERS?.(channel, frame);
      break;
    case 'BASTION_SWITCHES':
      frames.BASTION_SWITCHES?.(channel, frame);
      break;
    case 'BASTION_VOTE':
      frames.BASTION_VOTE?.(channel, frame);
  }
};
