/**
 * What agents find worth telling. A refused signature or a replay is an alarm of operators', whoever is to blame; the
 * rest is an event of the device.
 */
import type { Logger } from 'pino';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import { SlidingWindow } from '../enrollment/sliding-window.ts';
import type { EventLog } from '../events/log.ts';
import type { SecurityWatch } from '../trust/security-watch.ts';
import type { AgentChannel } from './agent-channel.ts';
import type { ChannelConsumer, FrameOf } from './consumer.ts';

/** Of one device. An honest agent keeps within it (agent/refusals.ts), another must not fill the disk. */
const PER_MINUTE = 40;

export interface AgentEventParts {
  readonly store: Store;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly events: EventLog;
  readonly log: Logger;
  readonly watch: Pick<SecurityWatch, 'alert' | 'count'>;
}

const ALARMS = { signature_refused: 'INVALID_SIGNATURE', replay_refused: 'REPLAY_DETECTED' } as const;

export const agentEvents = ({ store, clock, events, log, watch }: AgentEventParts): ChannelConsumer => {
  const told = new SlidingWindow(60_000, clock);
  return {
    frames: {
      EVENT(
        { guid, name, context, address }: AgentChannel,
        { kind, message, corr_id }: FrameOf<'EVENT'>,
      ): void {
        const device = { guid, name };
        const text = printable(message);
        if (kind === 'signature_refused' || kind === 'replay_refused') {
          const code = ALARMS[kind];
          watch.count(code);
          void watch.alert({
            code,
            subject: guid,
            message: `${name} refused a message: ${text}`,
            device,
            data: { kind, corr_id, context, address },
          });
          return;
        }
        if (!told.admit(guid, PER_MINUTE)) {
          log.warn({ device: name, kind }, 'an agent tells more than is kept');
          return;
        }
        store
          .write((tx) =>
            events.record(tx, {
              type: 'agent.event',
              device,
              message: `${name}: ${text}`,
              data: { kind, corr_id, context },
            }),
          )
          .catch((error: unknown) =>
            log.error({ err: error, device: name, kind }, 'an event was not stored'),
          );
      },
    },
  };
};

/** It ends up on terminals: what is no text becomes a space. */
const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
