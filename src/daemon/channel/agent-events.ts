/**
 * What agents find worth telling. A refused signature or a replay is an alarm of operators', whoever is to blame; the
 * rest is an event of the device.
 */
import type { Logger } from 'pino';
import type { Store } from '../../store/store.ts';
import type { EventLog } from '../events/log.ts';
import type { SecurityWatch } from '../trust/security-watch.ts';
import type { AgentChannel } from './agent-channel.ts';
import type { ChannelConsumer, FrameOf } from './consumer.ts';

export interface AgentEventParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly log: Logger;
  readonly watch: Pick<SecurityWatch, 'alert' | 'count'>;
}

const ALARMS = { signature_refused: 'INVALID_SIGNATURE', replay_refused: 'REPLAY_DETECTED' } as const;

export const agentEvents = ({ store, events, log, watch }: AgentEventParts): ChannelConsumer => ({
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
      store
        .write((tx) =>
          events.record(tx, {
            type: 'agent.event',
            device,
            message: `${name}: ${text}`,
            data: { kind, corr_id, context },
          }),
        )
        .catch((error: unknown) => log.error({ err: error, device: name, kind }, 'an event was not stored'));
    },
  },
});

/** It ends up on terminals: what is no text becomes a space. */
const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
