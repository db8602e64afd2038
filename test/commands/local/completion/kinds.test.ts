import { expect, test } from 'vitest';
import { argumentKind, flagKind, wantedNext } from '../../../../src/commands/local/completion/kinds.ts';
import { globalFlags } from '../../../../src/commands/manner/flags.ts';
import { resolveCommand } from '../../../../src/commands/manner/resolve.ts';
import { commands } from '../../../../src/commands/table.ts';

const wanted = async (line: string): Promise<unknown> => {
  const meant = resolveCommand(line.split(' '), Object.keys(commands));
  if (meant.kind !== 'command') return meant.kind;
  const { default: command } = await commands[meant.id]!.load();
  const found = wantedNext({ args: command.args, flags: { ...command.flags, ...globalFlags } }, meant.argv);
  return found && ('kind' in found ? found.kind : found.values);
};

test.each([
  ['script run', 'script'],
  ['script run cleanup', 'device'],
  ['script run cleanup web-1', 'device'],
  ['script run --timeout 5s', 'script'],
  ['script run --timeout=5s --detach', 'script'],
  ['script run --timeout', undefined],
  ['--socket /x script run', 'script'],
  ['devices show', 'device'],
  ['device show web-1', undefined],
  ['device tag', 'device'],
  ['connection show', 'vpn'],
  ['connection show office', 'connection'],
  ['connection add office', undefined],
  ['approval approve', 'approval'],
  ['approval approve --merge', 'device'],
  ['approval approve --merge web-1', 'approval'],
  ['shell', 'device'],
  ['shell -a', 'shell'],
  ['shell kill', 'shell'],
  ['session export', 'session'],
  ['session export k3jd', undefined],
  ['job cancel', 'job'],
  ['code revoke', 'code'],
  ['vpn delete', 'vpn'],
  ['vpn create', undefined],
  ['vpn create office --project', 'project'],
  ['vpn create office --label', 'label'],
  ['device list --site', 'site'],
  ['run --tag', 'tag'],
  ['run --tag env=prod --site', 'site'],
  ['event watch --type', 'event'],
  ['audit list --actor', 'who'],
  ['user grant ada viewer --project', 'project'],
  ['ha enable office --standby', 'device'],
  ['config set', 'setting'],
  ['config set log_level', undefined],
  ['user grant ada', ['viewer', 'operator', 'admin']],
  ['cp', 'place'],
  ['status', undefined],
  ['device', 'overview'],
])('after “%s” comes %j', async (line, expected) => expect(await wanted(line)).toEqual(expected));

/** What nobody but the operator can know. */
const NEW = new Set(['name', 'value', 'text', 'ports', 'file', 'role', 'shell']);

test('every argument of a command is completed, or is for the operator to think of', async () => {
  for (const [id, { hidden, load }] of Object.entries(commands)) {
    if (hidden) continue;
    const { default: command } = await load();
    for (const name of Object.keys(command.args))
      expect(argumentKind(name) !== undefined || NEW.has(name), `${id}: ${name}`).toBe(true);
  }
});

/** Of flags: numbers, times, places of this machine and words that are new. */
const THOUGHT_OF =
  /^(ACCOUNT|ADDRESS|BYTES|CIDR|DIR|DURATION|FILE|HOST|ID|KEY(?!=)|N$|NAME|PATH|PORT|SECONDS|TARGET|TEXT|TIME|WHEN|ACTION)/;

test('every value of a flag is completed, or is for the operator to think of', async () => {
  for (const [id, { hidden, load }] of Object.entries(commands)) {
    if (hidden) continue;
    const { default: command } = await load();
    for (const [name, flag] of Object.entries(command.flags)) {
      if (flag.type !== 'option' || flag.options) continue;
      const value = String(flag.helpValue);
      expect(
        flagKind(name, flag.helpValue) !== undefined || THOUGHT_OF.test(value),
        `${id} --${name} ${value}`,
      ).toBe(true);
    }
  }
});
