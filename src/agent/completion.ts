/** `borealis-agent completion SHELL`: nothing is asked of anybody, so the scripts are whole. */
import { COMMANDS, commands, type FlagEntry, flags, SHELLS, type Shell } from './cli-table.ts';

/** Those that stand with every command, and those of one. */
const common = flags.filter(({ of }) => of === undefined);
const own = flags.filter(({ of }) => of !== undefined);
const long = ({ name }: FlagEntry): string => `--${name}`;
const withValue = (value: FlagEntry['value']): string =>
  flags
    .filter((flag) => flag.value === value)
    .map(long)
    .join(' | ');
const CONTEXTS = 'system user';
/** For within single quotes, and zsh's brackets. */
const plain = (text: string): string => text.replaceAll(/['[\]]/g, '');

const bash = (): string => `# bash completion of borealis-agent. Made by: borealis-agent completion bash
_borealis_agent() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= words= i
  COMPREPLY=()
  # bash takes --state=/x for three words.
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  case $prev in
    ${withValue('system|user')}) COMPREPLY=($(compgen -W '${CONTEXTS}' -- "$cur")); return ;;
    ${withValue('DIR')}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    ${withValue('FILE')}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in ${COMMANDS.join('|')}) command=\${COMP_WORDS[i]}; break ;; esac
  done
  if [[ $cur == -* ]]; then
    words='${common.map(long).join(' ')}'
    case $command in
${own.map((flag) => `      ${flag.of}) words+=' ${long(flag)}' ;;`).join('\n')}
    esac
  else
    case $command in
      '') words='${COMMANDS.join(' ')}' ;;
      completion) words='${SHELLS.join(' ')}' ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _borealis_agent borealis-agent
`;

const zshFlag = (flag: FlagEntry): string => {
  const { value } = flag;
  const takes = { 'system|user': `:context:(${CONTEXTS})`, DIR: ':folder:_files -/', FILE: ':file:_files' };
  return `'${long(flag)}${value ? '=' : ''}[${plain(flag.summary)}]${value ? takes[value] : ''}'`;
};
const zsh = (): string => `#compdef borealis-agent
# zsh completion of borealis-agent. Made by: borealis-agent completion zsh
_borealis_agent() {
  local -a commands own
  local context state line
  commands=(
${COMMANDS.map((name) => `    '${name}:${plain(commands[name].summary)}'`).join('\n')}
  )
  case " $words " in
${own.map((flag) => `    *' ${flag.of} '*) own+=(${zshFlag(flag)}) ;;`).join('\n')}
  esac
  _arguments ${common.map(zshFlag).join(' \\\n    ')} \\
    $own '1: :{_describe command commands}' '2: :->word'
  if [[ $state == word && $line[1] == completion ]]; then compadd -- ${SHELLS.join(' ')}; fi
}
# Run as a function of fpath, which has the name of its file, it completes; sourced it makes itself known.
if [[ $funcstack[1] == _borealis-agent ]]; then _borealis_agent "$@"; else compdef _borealis_agent borealis-agent; fi
`;

const fishFlag = (flag: FlagEntry): string => {
  const takes = {
    'system|user': ` -x -a '${CONTEXTS}'`,
    DIR: " -x -a '(__fish_complete_directories)'",
    FILE: ' -r -F',
  };
  const when = flag.of ? ` -n '__fish_seen_subcommand_from ${flag.of}'` : '';
  return `complete -c borealis-agent${when} -l ${flag.name}${flag.value ? takes[flag.value] : ''} -d '${plain(flag.summary)}'`;
};
/** Not fish's own __fish_use_subcommand, which takes the value of a flag for one. */
const fishBegins = `not __fish_seen_subcommand_from ${COMMANDS.join(' ')}`;
const fish = (): string => `# fish completion of borealis-agent. Made by: borealis-agent completion fish
complete -c borealis-agent -f
${COMMANDS.map((name) => `complete -c borealis-agent -n '${fishBegins}' -a ${name} -d '${plain(commands[name].summary)}'`).join('\n')}
complete -c borealis-agent -n '__fish_seen_subcommand_from completion' -a '${SHELLS.join(' ')}'
${flags.map(fishFlag).join('\n')}
`;

const list = (words: readonly string[]): string => `@(${words.map((word) => `'${word}'`).join(', ')})`;
const powershell =
  (): string => `# PowerShell completion of borealis-agent. Made by: borealis-agent completion powershell
Register-ArgumentCompleter -Native -CommandName borealis-agent -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $commands = ${list(COMMANDS)}
  $before = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  $command = $before | Where-Object { $commands -contains $_ } | Select-Object -First 1
  $last = $before | Select-Object -Last 1
  $candidates = if ($last -eq '${withValue('system|user')}') {
    ${list(CONTEXTS.split(' '))}
  } elseif ($wordToComplete.StartsWith('-')) {
    ${list(common.map(long))}
${own.map((flag) => `    if ($command -eq '${flag.of}') { '${long(flag)}' }`).join('\n')}
  } elseif (-not $command) {
    $commands
  } elseif ($command -eq 'completion') {
    ${list(SHELLS)}
  } else {
    @()
  }
  $candidates | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`;

const scripts: Readonly<Record<Shell, () => string>> = { bash, zsh, fish, powershell };
export const completionScript = (shell: Shell): string => scripts[shell]();
