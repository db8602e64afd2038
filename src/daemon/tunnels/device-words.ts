/** What devices say of their ends, as it bears on the sessions. */

import type { BorealisError } from '../../protocol/errors.ts';
import type { AgentChannel } from '../channel/agent-channel.ts';
import type { ChannelConsumer, FrameOf } from '../channel/consumer.ts';
import { deviceFailure } from '../devices/failure.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { Session } from './session.ts';

export const deviceWords = (open: OpenSessions): ChannelConsumer => {
  const rekeyed = (session: Session, publicKey: string): void => {
    try {
      open.demandOwn(session, publicKey);
    } catch (error) {
      void open.failed(session, error);
      return;
    }
    session.publicKey = publicKey;
    open.applyLater('a device with a new key');
  };

  const back = ({ context, guid, wireguardKey }: AgentChannel): void => {
    if (context !== 'system') return;
    const session = open.get(guid);
    if (!session) return;
    if (wireguardKey !== null && wireguardKey !== session.publicKey) rekeyed(session, wireguardKey);
    open.sendOpen(session);
  };

  const told = (channel: AgentChannel, frame: FrameOf<'TUNNEL_STATE'>): void => {
    if (channel.context !== 'system') return;
    const session = open.get(channel.guid);
    if (session?.tunnelId !== frame.tunnel_id) {
      // It was taken down while the device could not hear of it.
      if (frame.state === 'up') open.sendClose({ guid: channel.guid, tunnelId: frame.tunnel_id });
      return;
    }
    if (frame.state === 'failed') void open.failed(session, failureOf(session, frame));
    else if (frame.state === 'down') session.passing = false;
    if (frame.state !== 'up') return;
    session.settled?.resolve();
    session.settled = undefined;
    if (frame.public_key !== null && frame.public_key !== session.publicKey)
      rekeyed(session, frame.public_key);
  };

  return { onReady: back, frames: { TUNNEL_STATE: told } };
};

const failureOf = ({ name }: Session, frame: FrameOf<'TUNNEL_STATE'>): BorealisError =>
  deviceFailure(name, frame, 'TUNNEL_FAILED');
