/**
 * Copies, as operators ask for them. The engine opens the way and signs what may be done on it; what is copied passes
 * between the command and the device alone.
 */
import { BorealisError } from '../../protocol/errors.ts';
import { AGENT_PORT } from '../../protocol/tunnel.ts';
import type { Store } from '../../store/store.ts';
import type { Handlers } from '../capability.ts';
import { resolveDevice } from '../devices/resolve.ts';
import type { EventLog } from '../events/log.ts';
import type { PortTokens } from '../shells/port-token.ts';
import type { Tunnels } from '../tunnels/tunnels.ts';
import { whenOver } from '../tunnels/when-over.ts';

export interface CopyParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly tunnels: Tunnels;
  readonly tokens: PortTokens;
}

export const copyOperations = ({ store, events, tunnels, tokens }: CopyParts): Handlers<'copy.open'> => ({
  'copy.open': async function* ({ device, direction, path }, call) {
    const { guid, name } = await resolveDevice(store.read, device);
    const { uid, user } = call.caller;
    const session = await tunnels.open(guid, { uid, user });
    const over = whenOver(tunnels, guid, call.signal);
    const grant = await tunnels.allow(guid, { uid, user }, AGENT_PORT);
    try {
      // On record before anything can be read or written.
      await store.write(async (tx) => {
        await call.audit(tx, { target: name, detail: { guid, direction, path } });
        await events.record(tx, {
          type: 'copy.started',
          message: `${user} copies ${direction === 'to_device' ? 'to' : 'from'} ${name}: ${path}`,
          device: { guid, name },
          data: { direction, path, by: user },
        });
      });
      const token = tokens.mint(session, user, { purpose: 'copy', direction, path });
      yield { device: name, guid, address: session.address, port: AGENT_PORT, token };
      if (!(await over)) return;
      throw new BorealisError('TUNNEL_DOWN', {
        detail: `That of ${name} was taken down.`,
        next: 'Run the same command again: it goes on where it stopped.',
      });
    } finally {
      grant.close();
    }
  },
});
