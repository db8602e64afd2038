import { bothOf, type CommandWords, idOf, nounsOf, verbList, verbsOf } from './words.ts';

/** For bash 4 and later. */
export const bash = (
  words: readonly CommandWords[],
): string => `# bash completion of borealisctl. Made by: borealisctl completion bash
_borealisctl() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local noun= verb= command= flags= kind= word before i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]} before=\${COMP_WORDS[i-1]}
    # What follows is the command line of a device.
    if [[ $word == -- ]]; then compopt -o default; return; fi
    if [[ $word == -* || $before == --socket ]]; then continue; fi
    if [[ -z $noun ]]; then noun=$word; elif [[ -z $verb ]]; then verb=$word; fi
  done
  case $noun in
${nounsOf(words)
  .filter((noun) => verbsOf(words, noun).length === 0)
  .map((noun) => `    ${noun}) command=$noun ;;`)
  .join('\n')}
${bothOf(words)
  .map(
    (noun) =>
      `    ${noun}) case $verb in ${verbList(words, noun, '|')}) command="$noun $verb" ;; *) command=$noun ;; esac ;;`,
  )
  .join('\n')}
    *) if [[ -n $verb ]]; then command="$noun $verb"; fi ;;
  esac
  case "$command" in
${words.map(commandCase).join('\n')}
  esac
  case "$command $prev" in
${words
  .flatMap((command) => valueCases(command))
  .map((line) => `    ${line}`)
  .join('\n')}
    *' --socket' | *' --config' | *' --passphrase-file') compopt -o default; return ;;
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "\${flags:---help --version --json}" -- "$cur"))
  elif [[ -z $noun ]]; then
    COMPREPLY=($(compgen -W "${nounsOf(words).join(' ')} help" -- "$cur"))
  elif [[ -z $command ]]; then
    case $noun in
${nounsOf(words)
  .filter((noun) => verbsOf(words, noun).length > 0)
  .map(
    (noun) =>
      `      ${noun}) COMPREPLY=($(compgen -W "${verbsOf(words, noun)
        .map(({ verb }) => verb)
        .join(' ')}" -- "$cur")) ;;`,
  )
  .join('\n')}
    esac
  else
    case $kind in
      device)
        case $command:$verb in
${bothOf(words)
  .map((noun) => `          ${noun}:) COMPREPLY=($(compgen -W "${verbList(words, noun, ' ')}" -- "$cur")) ;;`)
  .join('\n')}
        esac
        # Not through compgen -W, which would expand, and so run, what a device has put into its name.
        while IFS= read -r word; do
          if [[ $word == "$cur"* ]]; then COMPREPLY+=("$(printf %q "$word")"); fi
        done < <(borealisctl device names "$cur" 2>/dev/null)
        ;;
      file) compopt -o default ;;
      *) COMPREPLY=($(compgen -W "$kind" -- "$cur")) ;;
    esac
  fi
}
complete -F _borealisctl borealisctl
`;

const commandCase = (command: CommandWords): string => {
  const flags = command.flags.map(({ long }) => long).join(' ');
  const kind = command.argument === 'other' ? command.argumentValues.join(' ') : command.argument;
  return `    '${idOf(command)}') flags='${flags}' kind='${kind}' ;;`;
};

const valueCases = (command: CommandWords): string[] =>
  command.flags
    .filter(({ values }) => values.length > 0)
    .map(({ long, short, values }) => {
      const names = [long, short]
        .filter((name) => name !== undefined)
        .map((name) => `'${idOf(command)} ${name}'`);
      return `${names.join(' | ')}) COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$cur")); return ;;`;
    });
