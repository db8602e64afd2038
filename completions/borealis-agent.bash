# bash completion of borealis-agent. Made by: borealis-agent completion bash
_borealis_agent() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= words= i
  COMPREPLY=()
  # bash takes --state=/x for three words.
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  case $prev in
    --context) COMPREPLY=($(compgen -W 'system user' -- "$cur")); return ;;
    --state) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    --config) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in enroll|run|status|doctor|unenroll|completion) command=${COMP_WORDS[i]}; break ;; esac
  done
  if [[ $cur == -* ]]; then
    words='--context --state --config --json --help --version'
    case $command in
      unenroll) words+=' --yes' ;;
    esac
  else
    case $command in
      '') words='enroll run status doctor unenroll completion' ;;
      completion) words='bash zsh fish powershell' ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _borealis_agent borealis-agent
