/** What a connection may reach: `10.0.0.0/8:443/tcp` and its shorter forms. */
import { BorealisError } from '../../protocol/errors.ts';
import { type Network, parseNetwork } from '../../wg/addresses.ts';
import { isCidr } from './cidr-text.ts';

export interface AllowedTarget {
  readonly network: Network;
  /** Null: any protocol, whether it has ports or not. */
  readonly protocols: readonly ('tcp' | 'udp')[] | null;
  /** Null: every port. */
  readonly ports: { readonly from: number; readonly to: number } | null;
}

/** `text` has the form that the protocol's `allowRule` says. Errors: INVALID_INPUT. */
export const parseAllow = (text: string): AllowedTarget => {
  const match = /^([0-9A-Fa-f.:]+\/\d{1,3})(?::(\*|\d+(?:-\d+)?)(?:\/(tcp|udp))?)?$/.exec(text);
  const [, cidr = '', ports, protocol] = match ?? [];
  if (!isCidr(cidr)) throw new BorealisError('INVALID_INPUT', { detail: `allow: ${text} has no network.` });
  const network = parseNetwork(cidr, 'allow:');
  if (ports === undefined) return { network, protocols: null, ports: null };
  const protocols = protocol === undefined ? (['tcp', 'udp'] as const) : [protocol as 'tcp' | 'udp'];
  if (ports === '*') return { network, protocols, ports: null };
  const [from = 0, to = from] = ports.split('-').map(Number);
  if (from < 1 || to > 65_535 || from > to) {
    throw new BorealisError('INVALID_INPUT', { detail: `allow: ${ports} are no ports.` });
  }
  return { network, protocols, ports: { from, to } };
};
