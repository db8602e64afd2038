/** What is kept of tunnels, and told of them: each in one transaction with its event, which is the device's activity too. */
import type { Store } from '../../store/store.ts';
import type { EventLog, NewEvent } from '../events/log.ts';
import { forgetSession, keepSession } from './book.ts';
import type { Session } from './session.ts';

export type StopReason = 'disconnected' | 'idle' | 'failed' | 'device left' | 'engine';

const STOPPED: Readonly<Record<StopReason, string>> = {
  disconnected: 'an operator took it down',
  idle: 'nobody used it',
  failed: 'it failed',
  'device left': 'its device may not have one any more',
  engine: 'the engine stops',
};

export class Ledger {
  readonly #store: Store;
  readonly #events: EventLog;

  constructor(store: Store, events: EventLog) {
    this.#store = store;
    this.#events = events;
  }

  /** So that the next engine takes it up. */
  keep(session: Session): Promise<void> {
    return this.#store.write((tx) => keepSession(tx, rowOf(session)));
  }

  async started(session: Session): Promise<void> {
    await this.#store.write(async (tx) => {
      await keepSession(tx, rowOf(session));
      await this.#events.record(tx, eventOf('vpn_tunnel_start', session, 'The tunnel is up'));
    });
  }

  async used(session: Session): Promise<void> {
    const by = [...session.operators].join(', ');
    await this.#store.write(async (tx) => {
      await keepSession(tx, rowOf(session));
      await this.#events.record(tx, eventOf('vpn_tunnel_activity', session, `The tunnel is used by ${by}`));
    });
  }

  async stopped(session: Session, reason: StopReason, by?: string): Promise<void> {
    const why = by === undefined ? STOPPED[reason] : `${by} took it down`;
    await this.#store.write(async (tx) => {
      await forgetSession(tx, session.guid);
      const event = eventOf('vpn_tunnel_stop', session, `The tunnel is down: ${why}`, { reason });
      await this.#events.record(tx, event);
    });
  }
}

const eventOf = (
  type: NewEvent['type'],
  { guid, name, tunnelId, address, operators }: Session,
  what: string,
  more: NewEvent['data'] = {},
): NewEvent => ({
  type,
  message: `${name}: ${what}`,
  device: { guid, name },
  data: { tunnel_id: tunnelId, virtual_ip: address, operators: [...operators], ...more },
});

const rowOf = (session: Session) => ({
  guid: session.guid,
  tunnel_id: session.tunnelId,
  public_key: session.publicKey,
  operators_json: JSON.stringify([...session.operators]),
  started_at: session.startedAt,
  used_at: session.usedAt,
});
