/** A change is not in force where a device has not been told of it: whoever made it must know. */
import type { Client } from '../../client/client.ts';
import type { Output } from '../manner/output.ts';

export const tellWaiting = async (
  client: Pick<Client, 'call'>,
  out: Pick<Output, 'warn'>,
  vpn: string,
): Promise<void> => {
  const { phase, reason } = await client.call('vpn.show', { vpn });
  if (phase === 'waiting') out.warn(`It is kept, and not in force yet: ${reason}`);
};
