/** What can be written next in a command line of borealisctl, of what only the engine knows. */
import type { Client } from '../../../client/client.ts';
import { globalFlags } from '../../manner/flags.ts';
import { resolveCommand } from '../../manner/resolve.ts';
import { commands } from '../../table.ts';
import { wantedNext } from './kinds.ts';
import { type Offered, offeredNames } from './names.ts';

/** `words`: those before the one that is being written, which begins with `prefix`. Errors: of the lists that it asks for. */
export const offeredNext = async (
  client: Client,
  words: readonly string[],
  prefix: string,
): Promise<Offered[]> => {
  const meant = resolveCommand(words, Object.keys(commands));
  if (meant.kind !== 'command') return [];
  const { default: command } = await commands[meant.id]!.load();
  const wanted = wantedNext({ args: command.args, flags: { ...command.flags, ...globalFlags } }, meant.argv);
  if (!wanted) return [];
  if ('values' in wanted)
    return wanted.values.filter((word) => word.startsWith(prefix)).map((word) => ({ word, note: '' }));
  const found = await offeredNames(client, wanted.kind, {
    prefix,
    before: wanted.before,
    command: meant.id,
  });
  return found.filter(({ word }) => !wanted.taken.includes(word));
};
