import { nounGroups } from '../../manner/nouns.ts';
import { bothOf, type CommandWords, idOf, nounsOf, verbsOf } from './words.ts';

export const fish = (
  words: readonly CommandWords[],
): string => `# fish completion of borealisctl. Made by: borealisctl completion fish
# The words so far, without flags: the noun, the verb and what follows them.
function __borealisctl_words
  for word in (commandline --tokens-expanded --cut-at-cursor 2>/dev/null; or commandline -opc)[2..]
    string match -q -- '-*' $word; or echo $word
  end
end
function __borealisctl_is
  set -l words (__borealisctl_words)
  test (count $words) -ge (count $argv); and test "$words[1..$(count $argv)]" = "$argv"
end
function __borealisctl_wants_verb
  set -l words (__borealisctl_words)
  test (count $words) -eq 1; and test "$words[1]" = $argv[1]
end
function __borealisctl_wants_noun
  test (count (__borealisctl_words)) -eq 0
end
function __borealisctl_names
  set -l before (commandline --tokens-expanded --cut-at-cursor 2>/dev/null; or commandline -opc)[2..]
  set -l begun (commandline -ct | string unescape)
  # --site=ber: fish puts the flag before what is answered, for its value alone.
  if string match -q -- '--*=*' "$begun"
    set -l parts (string split -m 1 = -- "$begun")
    set -a before $parts[1]
    set begun $parts[2]
  end
  # By the way that was typed, where that is one: bin/borealisctl.
  set -l program (commandline -opc | head -n 1 | string replace -r '^~' $HOME)
  string match -q '*/*' -- $program; or set program borealisctl
  type -q $program; or return
  $program completion names --begins="$begun" -- $before 2>/dev/null
end
complete -c borealisctl -f
${nounsOf(words)
  .map(
    (noun) =>
      `complete -c borealisctl -n __borealisctl_wants_noun -a ${noun} -d ${quote(nounSummary(words, noun))}`,
  )
  .join('\n')}
${words.flatMap((command) => commandLines(words, command)).join('\n')}
`;

const commandLines = (words: readonly CommandWords[], command: CommandWords): string[] => {
  const { noun, verb, summary, named, file, argumentValues } = command;
  const others =
    verb === undefined && bothOf(words).includes(noun)
      ? verbsOf(words, noun).map((other) => `; and not __borealisctl_is ${idOf(other)}`)
      : [];
  const is = `-n ${quote(`__borealisctl_is ${idOf(command)}${others.join('')}`)}`;
  const lines: string[] = [];
  if (verb !== undefined)
    lines.push(
      `complete -c borealisctl -n ${quote(`__borealisctl_wants_verb ${noun}`)} -a ${verb} -d ${quote(summary)}`,
    );
  for (const { long, short, summary, takesValue, values, named } of command.flags) {
    const names = `-l ${long.slice(2)}${short ? ` -s ${short.slice(1)}` : ''}`;
    const value = takesValue ? flagValue(values, named) : '';
    lines.push(`complete -c borealisctl ${is} ${names}${value} -d ${quote(summary)}`);
  }
  if (named) lines.push(`complete -c borealisctl ${is} -k -a '(__borealisctl_names)'`);
  if (file) lines.push(`complete -c borealisctl ${is} -F`);
  if (argumentValues.length > 0)
    lines.push(`complete -c borealisctl ${is} -a ${quote(argumentValues.join(' '))}`);
  return lines;
};

const flagValue = (values: readonly string[], named: boolean): string => {
  if (named) return " -x -a '(__borealisctl_names)'";
  return values.length > 0 ? ` -x -a ${quote(values.join(' '))}` : ' -r';
};

const nounSummary = (words: readonly CommandWords[], noun: string): string =>
  nounGroups.map(({ nouns }) => nouns[noun]).find((text) => text !== undefined) ??
  verbsOf(words, noun)[0]?.summary ??
  '';

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
