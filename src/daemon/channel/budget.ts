/**
 * How much an agent may say. Token buckets, filled when looked at. One is of bytes: who exceeds it (a command that prints
 * without end, results after a long absence) is read more slowly, which costs nothing but time. The other is of frames
 * beside those of output: who exceeds that is cut off.
 */
import type { FromAgent } from '../../protocol/frame.ts';
import type { AgentChannel } from './agent-channel.ts';

export const FRAMES_PER_SECOND = 50;
export const FRAME_BURST = 500;
export const BYTES_PER_SECOND = 2 * 1024 * 1024;
export const BURST_BYTES = 8 * 1024 * 1024;
/** What a frame of output costs beside its bytes, so that many small ones are not free. */
const OUTPUT_FRAME_BYTES = 512;
/** A command allows its answers: ACCEPTED, RESULT, and some words. */
const FRAMES_PER_COMMAND = 4;

/** Frames that cost the store more than others; a vote costs it nothing, and each pair asks several times a second. */
const COST: Readonly<Partial<Record<FromAgent['type'], number>>> = {
  INVENTORY: 25,
  EVENT: 5,
  TELEMETRY: 5,
  BASTION_SWITCHES: 5,
  BASTION_VOTE: 0.1,
};

const refill = (channel: AgentChannel, now: number): void => {
  const seconds = (now - channel.refilledAt) / 1000;
  channel.refilledAt = now;
  channel.frameTokens = Math.min(FRAME_BURST, channel.frameTokens + seconds * FRAMES_PER_SECOND);
  channel.byteTokens = Math.min(BURST_BYTES, channel.byteTokens + seconds * BYTES_PER_SECOND);
};

/** False where the agent talks too fast. `now` is monotonic. */
export const chargeFrame = (
  channel: AgentChannel,
  type: FromAgent['type'] | 'control',
  now: number,
): boolean => {
  refill(channel, now);
  channel.frameTokens -= type === 'control' ? 1 : (COST[type] ?? 1);
  return channel.frameTokens >= 0;
};

/** `size` of the frame's text. False where reading should pause until `bytesAllowed`. */
export const chargeBytes = (
  channel: AgentChannel,
  type: FromAgent['type'],
  size: number,
  now: number,
): boolean => {
  refill(channel, now);
  channel.byteTokens -= type === 'OUTPUT' ? size + OUTPUT_FRAME_BYTES : size;
  return channel.byteTokens >= 0;
};

export const bytesAllowed = (channel: AgentChannel, now: number): boolean => {
  refill(channel, now);
  return channel.byteTokens > 0;
};

export const allowAnswers = (channel: AgentChannel): void => {
  channel.frameTokens = Math.min(FRAME_BURST, channel.frameTokens + FRAMES_PER_COMMAND);
};
