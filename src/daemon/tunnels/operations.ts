/** Tunnels as operators ask for them. */

import { BorealisError } from '../../protocol/errors.ts';
import { AGENT_PORT, type Tunnel } from '../../protocol/tunnel.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Call, Handlers } from '../capability.ts';
import { type DeviceRow, resolveDevice } from '../devices/resolve.ts';
import type { EventLog } from '../events/log.ts';
import { readDeviceTunnel, setPorts } from './book.ts';
import type { OwnEnd } from './engine-end.ts';
import type { Peers } from './peer-looks.ts';
import { presentNone, presentSession } from './present.ts';
import type { Relay } from './relay.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';
import type { DirectUser } from './tunnels.ts';
import { whenOver } from './when-over.ts';

export interface TunnelParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly end: OwnEnd;
  readonly relay: Relay;
  readonly idleMs: () => number;
}

type Names =
  | 'tunnel.connect'
  | 'tunnel.status'
  | 'tunnel.list'
  | 'tunnel.disconnect'
  | 'tunnel.ports'
  | 'tunnel.allow'
  | 'tunnel.forward'
  | 'tunnel.activity';

export const tunnelOperations = (parts: TunnelParts): Handlers<Names> => {
  const { store, events, clock, sessions, end, relay, idleMs } = parts;
  const device = (ref: string): Promise<DeviceRow> => resolveDevice(store.read, ref);

  const present = async (some: readonly Session[], look = () => end.peers()): Promise<Tunnel[]> => {
    const peers = some.length > 0 ? await look() : null;
    return some.map((session) =>
      presentSession(session, {
        peer: peers?.get(session.publicKey),
        relays: relay.ports,
        now: clock.now(),
        idleMs: idleMs(),
      }),
    );
  };
  const show = async (row: DeviceRow, look?: () => Promise<Peers>): Promise<Tunnel> => {
    const session = sessions.all.get(row.guid);
    const [tunnel] = session ? await present([session], look) : [];
    return tunnel ?? presentNone(row, await readDeviceTunnel(store.read, row.guid));
  };
  const audit = (call: Call, row: DeviceRow, detail: Record<string, unknown>): Promise<void> =>
    store.write((tx) => call.audit(tx, { target: row.name, detail: { guid: row.guid, ...detail } }));

  return {
    'tunnel.connect': async (input, call) => {
      const row = await device(input.device);
      const { tunnelId } = await sessions.open(row.guid, userOf(call));
      await Promise.all([audit(call, row, { tunnel_id: tunnelId }), sessions.kept(row.guid)]);
      // The look that has found it to be up.
      return show(row, () => end.recentPeers());
    },

    'tunnel.status': async (input) => show(await device(input.device)),

    'tunnel.list': async () => {
      const all = await present([...sessions.all.values()].filter(({ name }) => name !== ''));
      return all.sort((a, b) => (a.device < b.device ? -1 : 1));
    },

    'tunnel.disconnect': async (input, call) => {
      const row = await device(input.device);
      const tunnelId = sessions.all.get(row.guid)?.tunnelId;
      if (tunnelId === undefined)
        throw new BorealisError('TUNNEL_DOWN', {
          detail: `${row.name} is meant.`,
          next: `Bring one up with: borealisctl tunnel connect ${row.name}`,
        });
      await sessions.disconnect(row.guid, 'disconnected', call.caller.user);
      await audit(call, row, { tunnel_id: tunnelId });
      return show(row);
    },

    'tunnel.ports': async (input) => {
      const { guid, name } = await device(input.device);
      return { device: name, guid, allowed_ports: [...(await readDeviceTunnel(store.read, guid)).ports] };
    },

    'tunnel.allow': async (input, call) => {
      const row = await device(input.device);
      const ports = [...new Set(input.ports)];
      await store.write(async (tx) => {
        await setPorts(tx, row.guid, ports);
        await call.audit(tx, { target: row.name, detail: { guid: row.guid, ports } });
        await events.record(tx, {
          type: 'device.changed',
          message: `${call.caller.user} allowed the tunnel of ${row.name} ${ports.join(', ') || 'no port'}`,
          device: { guid: row.guid, name: row.name },
          data: { ports },
        });
      });
      await sessions.portsChanged(row.guid, ports);
      return { device: row.name, guid: row.guid, allowed_ports: ports };
    },

    'tunnel.forward': async function* (input, call) {
      const row = await device(input.device);
      const user = userOf(call);
      demandForwardable(row, input.port);
      const session = await sessions.open(row.guid, user);
      const over = whenOver(sessions, row.guid, call.signal);
      const grant = await sessions.allow(row.guid, user, input.port);
      try {
        yield { tunnel: await show(row), address: session.address, port: input.port };
        const end = await Promise.race([over, grant.withdrawn.then(() => 'withdrawn' as const)]);
        if (end === 'withdrawn') throw withdrawn(row, input.port);
        if (!end) return;
        throw new BorealisError('TUNNEL_DOWN', {
          detail: `That of ${row.name} was taken down.`,
          next: `Bring it up again with: borealisctl tunnel connect ${row.name}`,
        });
      } finally {
        grant.close();
      }
    },

    'tunnel.activity': async (input) => {
      const row = await device(input.device);
      if (!sessions.all.has(row.guid))
        throw new BorealisError('TUNNEL_DOWN', { detail: `${row.name} is meant.` });
      sessions.used(row.guid, input.bytes);
      return show(row);
    },
  };
};

const withdrawn = ({ name }: DeviceRow, port: number): BorealisError =>
  new BorealisError('PORT_NOT_ALLOWED', {
    detail: `Somebody has just taken ${port}/tcp from those that are allowed of ${name}.`,
    next: `See which are: borealisctl tunnel ports ${name}`,
  });

/** The agent's own port takes tokens that are the engine's to give: a forward there would only look like one. */
const demandForwardable = ({ name }: DeviceRow, port: number): void => {
  if (port !== AGENT_PORT) return;
  throw new BorealisError('PORT_NOT_ALLOWED', {
    detail: `${AGENT_PORT} is the agent's own.`,
    next: `It is used by: borealisctl shell ${name}, and borealisctl cp`,
  });
};

const userOf = ({ caller }: Call): DirectUser => ({ uid: caller.uid, user: caller.user });
