/** An engine without tunnels: nothing is reached through one. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Tunnels } from './tunnels.ts';

const none = (): Promise<never> => Promise.reject(new BorealisError('TUNNEL_FAILED'));

export const noTunnels: Tunnels = {
  open: none,
  current: () => undefined,
  used: () => {},
  allow: none,
  onChange: () => () => {},
};
