/**
 * Changes a few clients of a gateway that is there, and looks at none of the others: with thousands of them, to look takes
 * far longer than to change. Whatever is not there as it was left makes nft(8) or WireGuard refuse.
 */
import { BorealisError } from '../protocol/errors.ts';
import { must } from './commands.ts';
import { clientElements } from './gateway-elements.ts';
import { FAMILY } from './nft.ts';
import type { DeviceChange } from './plan.ts';
import type { WgSystem } from './system.ts';
import type { Amendment, GatewayClient } from './types.ts';
import { checkName, checkPeer } from './wanted.ts';

type Tell = (interfaceName: string, change: DeviceChange) => Promise<void>;

/**
 * In the order of diff.ts: who is let in no more goes first, then the firewall changes, then who is new comes.
 * Errors: INVALID_INPUT, COMMAND_FAILED, NET_ADMIN_REQUIRED, …; some of it may have been done.
 */
export const amend = async (
  system: Pick<WgSystem, 'run' | 'table'>,
  tell: Tell,
  { name, gone, come }: Amendment,
): Promise<void> => {
  checkName(name);
  const [before, after] = [peersOf(gone), peersOf(come)];
  for (const [key, peer] of after)
    if (before.has(key) && JSON.stringify(before.get(key)) !== JSON.stringify(peer))
      throw new BorealisError('INVALID_INPUT', { detail: 'A peer that stays is another one than before.' });
  const remove = [...before.keys()].filter((key) => !after.has(key));
  const peers = [...after].flatMap(([key, peer]) => (before.has(key) ? [] : [peer]));

  const text = elementLines(system.table, elementsOf(name, gone), elementsOf(name, come));
  if (remove.length > 0) await tell(name, { remove });
  if (text !== '') await must(system, 'nft', ['-f', '-'], { input: text });
  if (peers.length > 0) await tell(name, { peers });
};

const peersOf = (clients: readonly GatewayClient[]) =>
  new Map(clients.map(({ peer }) => [peer.publicKey, checkPeer(peer)]));

type Elements = ReadonlyMap<string, ReadonlySet<string>>;

const elementsOf = (name: string, clients: readonly GatewayClient[]): Elements => {
  const all = new Map<string, Set<string>>();
  for (const client of clients)
    for (const [set, elements] of clientElements(name, client)) {
      const known = all.get(set) ?? new Set();
      all.set(set, known);
      for (const element of elements) known.add(element);
    }
  return all;
};

const elementLines = (table: string, gone: Elements, come: Elements): string =>
  [...verbLines('delete', table, gone, come), ...verbLines('add', table, come, gone)]
    .map((line) => `${line}\n`)
    .join('');

/** Of those that are not in the others too. A set that is not there is an error of nft's. */
const verbLines = (verb: 'add' | 'delete', table: string, of: Elements, others: Elements): string[] =>
  [...of].flatMap(([set, elements]) => {
    const own = [...elements].filter((element) => !others.get(set)?.has(element));
    return own.length === 0 ? [] : [`${verb} element ${FAMILY} ${table} ${set} { ${own.join(', ')} }`];
  });
