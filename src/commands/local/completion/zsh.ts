import { nounGroups } from '../../manner/nouns.ts';
import { bothOf, type CommandWords, idOf, namedFlags, nounsOf, verbList, verbsOf } from './words.ts';

export const zsh = (words: readonly CommandWords[]): string => `#compdef borealisctl
# zsh completion of borealisctl. Made by: borealisctl completion zsh
_borealisctl_names() {
  local -a lines names shown
  local line program=borealisctl
  # By the way that was typed, where that is one: bin/borealisctl.
  if [[ $words[1] == */* ]]; then program=\${\${(Q)words[1]}/#'~'/$HOME}; fi
  lines=(\${(f)"$($program completion names --begins="\${(Q)PREFIX}" -- "\${(Q@)words[2,CURRENT-1]}" "$@" 2>/dev/null)"})
  for line in $lines; do
    names+=("\${line%%$'\\t'*}")
    shown+=("\${line/$'\\t'/  -- }")
  done
  if (( $#names == 0 )); then return 1; fi
  # A path follows a colon.
  if [[ $names[1] == *: ]]; then compadd -S '' -a names
  elif [[ "$lines" == *$'\\t'* ]]; then compadd -l -V names -d shown -a names
  else compadd -a names
  fi
}
_borealisctl_nouns() {
  local -a nouns
  nouns=(
${nounsOf(words)
  .map((noun) => `    ${quote(`${noun}:${nounSummary(words, noun)}`)}`)
  .join('\n')}
  )
  _describe command nouns
}
_borealisctl_verbs() {
  local -a verbs
  case $1 in
${nounsOf(words)
  .filter((noun) => verbsOf(words, noun).length > 0)
  .map(
    (noun) =>
      `    ${noun}) verbs=(${verbsOf(words, noun)
        .map(({ verb, summary }) => quote(`${verb}:${summary.replaceAll(':', '\\:')}`))
        .join(' ')}) ;;`,
  )
  .join('\n')}
  esac
  _describe command verbs
}
_borealisctl() {
  local noun= verb= command= word before choices= named= file= i
  local prev=$words[CURRENT-1]
  local -a own
  # --site=ber: the flag is what goes before, and its value what is completed.
  if [[ $PREFIX == --*=* ]]; then
    prev=\${PREFIX%%=*} own=($prev)
    compset -P 1 '*='
  fi
  local -a flags
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i] before=$words[i-1]
    # What follows is the command line of a device.
    if [[ $word == -- ]]; then _normal; return; fi
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
  if [[ -z $noun ]]; then _borealisctl_nouns; return; fi
  if [[ -z $command ]]; then _borealisctl_verbs $noun; return; fi
  case $command in
${words.map(commandCase).join('\n')}
  esac
  case "$command $prev" in
${words.flatMap(valueCases).join('\n')}
    ${namedFlags(words)
      .map((flag) => quote(flag))
      .join(' | ')}) _borealisctl_names $own; return ;;
    *' --socket' | *' --config' | *' --passphrase-file' | *' --state') _files; return ;;
  esac
  if (( $#own )); then _files; return; fi
  if [[ $PREFIX == -* ]]; then _describe -o flag flags; return; fi
  case $command:$verb in
${bothOf(words)
  .map((noun) => `    ${noun}:) _borealisctl_verbs ${noun} ;;`)
  .join('\n')}
  esac
  local found=1
  if [[ -n $choices ]]; then compadd -- \${=choices} && found=0; fi
  if [[ -n $named ]]; then _borealisctl_names && found=0; fi
  if [[ -n $file ]]; then _files && found=0; fi
  return $found
}
# Run as a function of fpath it completes; sourced it makes itself known.
if [[ $funcstack[1] == _borealisctl ]]; then _borealisctl "$@"; else compdef _borealisctl borealisctl; fi
`;

const commandCase = (command: CommandWords): string => {
  const flags = command.flags.map(({ long, summary }) => quote(`${long}:${summary.replaceAll(':', '\\:')}`));
  const takes = [
    ...(command.argumentValues.length > 0 ? [`choices='${command.argumentValues.join(' ')}'`] : []),
    ...(command.named ? ['named=1'] : []),
    ...(command.file ? ['file=1'] : []),
  ];
  return `    '${idOf(command)}') ${takes.map((one) => `${one} `).join('')}flags=(${flags.join(' ')}) ;;`;
};

const valueCases = (command: CommandWords): string[] =>
  command.flags
    .filter(({ values }) => values.length > 0)
    .map(({ long, short, values }) => {
      const names = [long, short]
        .filter((name) => name !== undefined)
        .map((name) => `'${idOf(command)} ${name}'`);
      return `    ${names.join(' | ')}) compadd -- ${values.join(' ')}; return ;;`;
    });

const nounSummary = (words: readonly CommandWords[], noun: string): string =>
  (
    nounGroups.map(({ nouns }) => nouns[noun]).find((text) => text !== undefined) ??
    words.find((command) => command.noun === noun)?.summary ??
    ''
  ).replaceAll(':', '\\:');

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
