import { bothOf, type CommandWords, idOf, namedFlags, nounsOf, verbList, verbsOf } from './words.ts';

/** For bash 4 and later. */
export const bash = (
  words: readonly CommandWords[],
): string => `# bash completion of borealisctl. Made by: borealisctl completion bash
_borealisctl() {
  local own=\${COMP_WORDS[COMP_CWORD]} cur= prev= noun= verb= command= flags= words= named= file= word before typed line=() i
  COMPREPLY=()
  # By the way that was typed, where that is one: bin/borealisctl.
  local program=borealisctl
  if [[ \${COMP_WORDS[0]} == */* ]]; then program=\${COMP_WORDS[0]/#'~'/$HOME}; fi
  # bash takes env=prod and web-1:/etc for three words.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if ((i > 1)) && [[ -n $word && ($word == [=:]* || $before == *[=:]) ]]; then line[\${#line[@]}-1]+=$word; else line+=("$word"); fi
    before=$word
  done
  cur=\${line[\${#line[@]}-1]}
  unset "line[\${#line[@]}-1]"
  if [[ $cur == --*=* ]]; then line+=("\${cur%%=*}") cur=\${cur#*=}; fi
  prev=\${line[\${#line[@]}-1]}
  for ((i = 1; i < \${#line[@]}; i++)); do
    word=\${line[i]} before=\${line[i-1]}
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
  case $command:$verb in
${bothOf(words)
  .map((noun) => `    ${noun}:) words="$words ${verbList(words, noun, ' ')}" ;;`)
  .join('\n')}
  esac
  case "$command $prev" in
${words
  .flatMap((command) => valueCases(command))
  .map((line) => `    ${line}`)
  .join('\n')}
    ${namedFlags(words)
      .map((flag) => `'${flag}'`)
      .join(' | ')}) named=1 file= words= ;;
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
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    if [[ -n $file ]]; then compopt -o default; fi
    if [[ -n $named ]]; then
      # As the program gets them: without the backslashes that bash needs.
      typed=("\${line[@]:1}")
      # Not through compgen -W, which would expand, and so run, what a device has put into its name.
      while IFS=$'\\t' read -r word _; do
        if [[ $word == "\${cur//\\\\/}"* ]]; then
          printf -v word %q "$word"
          # Of the word that is begun bash replaces only what it takes for the last one.
          if [[ \${own#[=:]} != "$cur" && $cur == *[=:]* ]]; then word=\${word#"\${cur%"\${cur##*[=:]}"}"}; fi
          COMPREPLY+=("$word")
        fi
      done < <("$program" completion names --begins="\${cur//\\\\/}" -- "\${typed[@]//\\\\/}" 2>/dev/null)
      # A path follows.
      if [[ \${COMPREPLY[0]} == *: ]]; then compopt -o nospace; fi
    fi
  fi
}
complete -F _borealisctl borealisctl
`;

const commandCase = (command: CommandWords): string => {
  const flags = command.flags.map(({ long }) => long).join(' ');
  const takes = [
    ...(command.argumentValues.length > 0 ? [`words='${command.argumentValues.join(' ')}'`] : []),
    ...(command.named ? ['named=1'] : []),
    ...(command.file ? ['file=1'] : []),
  ];
  return `    '${idOf(command)}') flags='${flags}'${takes.map((one) => ` ${one}`).join('')} ;;`;
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
