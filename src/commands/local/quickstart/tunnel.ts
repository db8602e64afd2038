/** The tunnel to the machine that was made for the agent. */
import type { Client } from '../../../client/client.ts';
import type { Device } from '../../../protocol/device.ts';
import { BorealisError } from '../../../protocol/errors.ts';
import type { Tunnel } from '../../../protocol/tunnel.ts';
import { facts } from '../../manner/table.ts';
import type { Steps } from './steps.ts';

/** Null where there can be none, which is said: everything else works without. */
export const showTunnel = async (client: Client, device: Device, steps: Steps): Promise<Tunnel | null> => {
  steps.begin('A tunnel');
  const asked = performance.now();
  const tunnel = await client.call('tunnel.connect', { device: device.guid }).catch((error: unknown) => {
    if (!(error instanceof BorealisError)) throw error;
    steps.records.pop();
    steps.say(`Left out: ${error.message} ${error.next}`);
    return null;
  });
  if (!tunnel) return null;
  const way = tunnel.transport === 'relay' ? 'the agent’s channel: UDP does not pass' : 'UDP';
  steps.say(`Nobody can connect to ${device.name}; its agent opened WireGuard to the engine.`);
  steps.lines(
    facts(
      [
        ['Address', tunnel.virtual_ip],
        ['By', way],
        ['Seen from', tunnel.endpoint],
        ['Allowed ports', tunnel.allowed_ports.join(', ')],
        ['Packets pass', `after ${Math.round(performance.now() - asked)} ms`],
      ],
      steps.out.paint,
    ),
  );
  return tunnel;
};
