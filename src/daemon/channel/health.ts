/** Whether a channel may go on living, and when to ask again. */
import { CLOSE } from '../../protocol/frame.ts';
import type { AgentChannel } from './agent-channel.ts';
import { bytesAllowed } from './budget.ts';
import type { Parting } from './consumer.ts';

/** A channel ends after a day at the latest, so that its agent proves itself anew; the last sixth is drawn by lot. */
export const CHANNEL_LIFE_MS = 86_400_000;
/** Bytes that wait longer than this mean that nobody reads at the other end. */
const STALLED_MS = 120_000;

export interface Times {
  /** Monotonic, and milliseconds since 1970. */
  readonly now: number;
  readonly time: number;
  /** Milliseconds without a word after which an agent is gone. */
  readonly silence: number;
}

export interface End {
  readonly code: number;
  readonly reason: string;
  readonly parting: Parting;
}

const SILENT: End = { code: CLOSE.goingAway, reason: 'nothing was heard', parting: 'left' };
const STALLED: End = { code: CLOSE.goingAway, reason: 'stalled', parting: 'left' };
const OLD: End = { code: CLOSE.goingAway, reason: 'connect anew', parting: 'broke' };

/** Why the channel has to end now; null while all is well. Lets one that was held back speak again. */
export const lookAfter = (channel: AgentChannel, { now, time, silence }: Times): End | null => {
  if (channel.paused) {
    // Its silence is our doing.
    channel.heardAt = now;
    if (bytesAllowed(channel, now)) channel.resume();
  }
  if (now - channel.heardAt > silence) return SILENT;
  if (now > channel.endsAt || time > channel.certificateExpiresAt) return OLD;
  if (channel.unsent === 0) channel.unsentSince = 0;
  else {
    channel.unsentSince ||= now;
    if (now - channel.unsentSince > STALLED_MS) return STALLED;
  }
  return null;
};

const SOON_MS = 1_000;

/** When to look again, monotonic: before anything of the above can be so, and when it is to be stored that it was heard. */
export const nextLook = (channel: AgentChannel, { now, time, silence }: Times, storeAt: number): number => {
  if (channel.paused || channel.unsent > 0) return now + SOON_MS;
  const heard = channel.heardAt + silence;
  const next = Math.min(heard, channel.endsAt, now + channel.certificateExpiresAt - time, storeAt);
  return Math.max(next, now + SOON_MS);
};

export const endedInSilence = (end: End): boolean => end === SILENT;
