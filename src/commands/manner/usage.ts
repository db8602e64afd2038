/** The line of usage of a command: its words, its arguments, and the flags that it cannot do without. */
import type { CommandClass } from './entry.ts';

/** `<%= command.id %>` stands for the words of the command. */
export const usageOf = (command: CommandClass): string | string[] => {
  if (command.usage) return command.usage;
  const args = Object.entries(command.args).map(([name, { required, multiple }]) => {
    const word = `${name.toUpperCase()}${multiple ? '…' : ''}`;
    return required ? word : `[${word}]`;
  });
  const flags = Object.entries(command.flags)
    .filter(([, flag]) => flag.required)
    .map(([name, flag]) => `--${name} ${(flag.type === 'option' && flag.helpValue) || name.toUpperCase()}`);
  return ['<%= command.id %>', ...args, ...flags, '[FLAGS]'].join(' ');
};

/** The same as it is typed, without the program: `vpn create NAME --endpoint HOST:PORT --pool CIDR [FLAGS]`. */
export const typedUsage = (id: string, command: CommandClass): string =>
  [usageOf(command)].flat()[0]!.replaceAll('<%= command.id %>', id);
