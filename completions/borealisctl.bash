# bash completion of borealisctl. Made by: borealisctl completion bash
_borealisctl() {
  local own=${COMP_WORDS[COMP_CWORD]} cur= prev= noun= verb= command= flags= words= named= file= word before typed line=() i
  COMPREPLY=()
  # By the way that was typed, where that is one: bin/borealisctl.
  local program=borealisctl
  if [[ ${COMP_WORDS[0]} == */* ]]; then program=${COMP_WORDS[0]/#'~'/$HOME}; fi
  # bash takes env=prod and web-1:/etc for three words.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((i > 1)) && [[ -n $word && ($word == [=:]* || $before == *[=:]) ]]; then line[${#line[@]}-1]+=$word; else line+=("$word"); fi
    before=$word
  done
  cur=${line[${#line[@]}-1]}
  unset "line[${#line[@]}-1]"
  if [[ $cur == --*=* ]]; then line+=("${cur%%=*}") cur=${cur#*=}; fi
  prev=${line[${#line[@]}-1]}
  for ((i = 1; i < ${#line[@]}; i++)); do
    word=${line[i]} before=${line[i-1]}
    # What follows is the command line of a device.
    if [[ $word == -- ]]; then compopt -o default; return; fi
    if [[ $word == -* || $before == --socket ]]; then continue; fi
    if [[ -z $noun ]]; then noun=$word; elif [[ -z $verb ]]; then verb=$word; fi
  done
  case $noun in
    completion) command=$noun ;;
    cp) command=$noun ;;
    dashboard) command=$noun ;;
    doctor) command=$noun ;;
    log) command=$noun ;;
    quickstart) command=$noun ;;
    run) command=$noun ;;
    status) command=$noun ;;
    wallboard) command=$noun ;;
    shell) case $verb in kill|list) command="$noun $verb" ;; *) command=$noun ;; esac ;;
    *) if [[ -n $verb ]]; then command="$noun $verb"; fi ;;
  esac
  case "$command" in
    'approval approve') flags='--merge --overwrite --name --json --quiet --yes --no-color --socket --help' named=1 ;;
    'approval deny') flags='--reason --json --quiet --yes --no-color --socket --help' named=1 ;;
    'approval list') flags='--all --output --watch --json --quiet --yes --no-color --socket --help' ;;
    'approval show') flags='--watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'audit list') flags='--actor --action --target --since --limit --output --watch --json --quiet --yes --no-color --socket --help' ;;
    'audit verify') flags='--json --quiet --yes --no-color --socket --help' ;;
    'backup create') flags='--passphrase-file --force --verify --json --quiet --yes --no-color --socket --help' file=1 ;;
    'backup restore') flags='--passphrase-file --json --quiet --yes --no-color --socket --help' file=1 ;;
    'backup verify') flags='--passphrase-file --json --quiet --yes --no-color --socket --help' file=1 ;;
    'code create') flags='--uses --expires --site --tag --auto-approve --address --qr --json --quiet --yes --no-color --socket --help' ;;
    'code list') flags='--all --output --watch --json --quiet --yes --no-color --socket --help' ;;
    'code revoke') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'completion') flags='--json --quiet --yes --no-color --socket --help' words='bash zsh fish powershell' named=1 ;;
    'config check') flags='--json --quiet --yes --no-color --socket --help' file=1 ;;
    'config get') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'config set') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'config show') flags='--output --watch --json --quiet --yes --no-color --socket --help' ;;
    'connection add') flags='--public-key --psk --expires --allow --site-subnets --address --json --quiet --yes --no-color --socket --help' named=1 ;;
    'connection change') flags='--allow --allow-all --expires --no-expiry --json --quiet --yes --no-color --socket --help' named=1 ;;
    'connection config') flags='--file --force --new-key --preview --format --json --quiet --yes --no-color --socket --help' named=1 ;;
    'connection disable') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'connection enable') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'connection list') flags='--output --watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'connection qr') flags='--png --force --new-key --json --quiet --yes --no-color --socket --help' named=1 ;;
    'connection remove') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'connection show') flags='--watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'cp') flags='--recursive --json --quiet --yes --no-color --socket --help' named=1 file=1 ;;
    'daemon restart') flags='--state --listen --config --json --quiet --yes --no-color --socket --help' ;;
    'daemon run') flags='--state --listen --config --json --quiet --yes --no-color --socket --help' ;;
    'daemon start') flags='--state --listen --config --json --quiet --yes --no-color --socket --help' ;;
    'daemon stop') flags='--state --json --quiet --yes --no-color --socket --help' ;;
    'dashboard') flags='--screen --screen-reader --theme --json --quiet --yes --no-color --socket --help' ;;
    'device inventory') flags='--watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'device list') flags='--state --site --tag --search --output --watch --json --quiet --yes --no-color --socket --help' ;;
    'device quarantine') flags='--tag --site --all --reason --json --quiet --yes --no-color --socket --help' named=1 ;;
    'device release') flags='--tag --site --all --json --quiet --yes --no-color --socket --help' named=1 ;;
    'device remove') flags='--tag --site --all --json --quiet --yes --no-color --socket --help' named=1 ;;
    'device rename') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'device revoke') flags='--tag --site --all --reason --json --quiet --yes --no-color --socket --help' named=1 ;;
    'device show') flags='--watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'device tag') flags='--site --no-site --tag --all --json --quiet --yes --no-color --socket --help' named=1 ;;
    'doctor') flags='--json --quiet --yes --no-color --socket --help' ;;
    'event list') flags='--device --type --limit --output --watch --json --quiet --yes --no-color --socket --help' ;;
    'event watch') flags='--type --device --after --json --quiet --yes --no-color --socket --help' ;;
    'ha disable') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'ha enable') flags='--primary --standby --address --interface --port --lease --threshold --driver --hook --router-id --fail-back --json --quiet --yes --no-color --socket --help' named=1 ;;
    'ha history') flags='--limit --output --json --quiet --yes --no-color --socket --help' named=1 ;;
    'ha list') flags='--output --watch --json --quiet --yes --no-color --socket --help' ;;
    'ha show') flags='--watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'ha switch') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'job cancel') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'job list') flags='--state --limit --output --watch --json --quiet --yes --no-color --socket --help' ;;
    'job retry') flags='--all --detach --json --quiet --yes --no-color --socket --help' named=1 ;;
    'job show') flags='--watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'job watch') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'log') flags='--follow --lines --component --level --json --quiet --yes --no-color --socket --help' ;;
    'quickstart') flags='--down --purge --json --quiet --yes --no-color --socket --help' ;;
    'run') flags='--tag --site --all --context --timeout --ttl --detach --json --quiet --yes --no-color --socket --help' named=1 ;;
    'script add') flags='--name --language --description --replace --json --quiet --yes --no-color --socket --help' file=1 ;;
    'script list') flags='--output --watch --json --quiet --yes --no-color --socket --help' ;;
    'script remove') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'script run') flags='--tag --site --all --context --timeout --ttl --detach --json --quiet --yes --no-color --socket --help' named=1 ;;
    'script show') flags='--body --watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'service install') flags='--agent --state --user --start --json --quiet --yes --no-color --socket --help' ;;
    'service status') flags='--agent --json --quiet --yes --no-color --socket --help' ;;
    'service uninstall') flags='--agent --purge --json --quiet --yes --no-color --socket --help' ;;
    'session export') flags='--force --json --quiet --yes --no-color --socket --help' named=1 file=1 ;;
    'session list') flags='--device --limit --output --watch --json --quiet --yes --no-color --socket --help' ;;
    'session replay') flags='--speed --idle-limit --from --json --quiet --yes --no-color --socket --help' named=1 ;;
    'session search') flags='--device --json --quiet --yes --no-color --socket --help' ;;
    'session show') flags='--watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'shell') flags='--attach --read-only --user --record-input --json --quiet --yes --no-color --socket --help' named=1 ;;
    'shell kill') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'shell list') flags='--device --output --watch --json --quiet --yes --no-color --socket --help' ;;
    'status') flags='--watch --json --quiet --yes --no-color --socket --help' ;;
    'telemetry show') flags='--since --until --points --watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'telemetry watch') flags='--lines --json --quiet --yes --no-color --socket --help' named=1 ;;
    'tunnel connect') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'tunnel disconnect') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'tunnel forward') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'tunnel list') flags='--output --watch --json --quiet --yes --no-color --socket --help' ;;
    'tunnel ports') flags='--set --json --quiet --yes --no-color --socket --help' named=1 ;;
    'tunnel status') flags='--watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'user grant') flags='--project --json --quiet --yes --no-color --socket --help' named=1 ;;
    'user list') flags='--output --watch --json --quiet --yes --no-color --socket --help' ;;
    'user me') flags='--json --quiet --yes --no-color --socket --help' ;;
    'user revoke') flags='--project --json --quiet --yes --no-color --socket --help' named=1 ;;
    'vpn create') flags='--endpoint --pool --pool6 --port --local-subnet --masquerade --node --dns --mtu --project --label --json --quiet --yes --no-color --socket --help' ;;
    'vpn delete') flags='--json --quiet --yes --no-color --socket --help' named=1 ;;
    'vpn list') flags='--project --output --watch --json --quiet --yes --no-color --socket --help' ;;
    'vpn show') flags='--watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'vpn status') flags='--watch --json --quiet --yes --no-color --socket --help' named=1 ;;
    'wallboard') flags='--every --json --quiet --yes --no-color --socket --help' ;;
  esac
  case $command:$verb in
    shell:) words="$words kill list" ;;
  esac
  case "$command $prev" in
    'approval list --output' | 'approval list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'audit list --output' | 'audit list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'code list --output' | 'code list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'config show --output' | 'config show -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'connection config --format') COMPREPLY=($(compgen -W 'wg-quick wg compact' -- "$cur")); return ;;
    'connection list --output' | 'connection list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'dashboard --screen') COMPREPLY=($(compgen -W 'overview device approval job script code tunnel vpn ha session audit' -- "$cur")); return ;;
    'dashboard --theme') COMPREPLY=($(compgen -W 'auto dark light' -- "$cur")); return ;;
    'device list --state') COMPREPLY=($(compgen -W 'pending online offline quarantined revoked' -- "$cur")); return ;;
    'device list --output' | 'device list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'event list --output' | 'event list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'ha enable --driver') COMPREPLY=($(compgen -W 'own keepalived hook' -- "$cur")); return ;;
    'ha history --output' | 'ha history -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'ha list --output' | 'ha list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'job list --state') COMPREPLY=($(compgen -W 'queued running succeeded failed timed_out cancelled expired' -- "$cur")); return ;;
    'job list --output' | 'job list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'log --level') COMPREPLY=($(compgen -W 'trace debug info warn error fatal' -- "$cur")); return ;;
    'run --context') COMPREPLY=($(compgen -W 'system user' -- "$cur")); return ;;
    'script add --language') COMPREPLY=($(compgen -W 'shell python node powershell' -- "$cur")); return ;;
    'script list --output' | 'script list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'script run --context') COMPREPLY=($(compgen -W 'system user' -- "$cur")); return ;;
    'session list --output' | 'session list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'shell list --output' | 'shell list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'tunnel list --output' | 'tunnel list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'user list --output' | 'user list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'vpn list --output' | 'vpn list -o') COMPREPLY=($(compgen -W 'table json yaml name' -- "$cur")); return ;;
    'approval approve --merge' | 'approval approve --overwrite' | 'audit list --actor' | 'code create --site' | 'code create --tag' | 'device list --site' | 'device list --tag' | 'device quarantine --tag' | 'device quarantine --site' | 'device release --tag' | 'device release --site' | 'device remove --tag' | 'device remove --site' | 'device revoke --tag' | 'device revoke --site' | 'device tag --site' | 'device tag --tag' | 'event list --device' | 'event list --type' | 'event watch --type' | 'event watch --device' | 'ha enable --primary' | 'ha enable --standby' | 'run --tag' | 'run --site' | 'script run --tag' | 'script run --site' | 'session list --device' | 'session search --device' | 'shell --attach' | 'shell -a' | 'shell list --device' | 'user grant --project' | 'user revoke --project' | 'vpn create --node' | 'vpn create --project' | 'vpn create --label' | 'vpn list --project') named=1 file= words= ;;
    *' --socket' | *' --config' | *' --passphrase-file') compopt -o default; return ;;
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "${flags:---help --version --json}" -- "$cur"))
  elif [[ -z $noun ]]; then
    COMPREPLY=($(compgen -W "approval audit backup code completion config connection cp daemon dashboard device doctor event ha job log quickstart run script service session shell status telemetry tunnel user vpn wallboard help" -- "$cur"))
  elif [[ -z $command ]]; then
    case $noun in
      approval) COMPREPLY=($(compgen -W "approve deny list show" -- "$cur")) ;;
      audit) COMPREPLY=($(compgen -W "list verify" -- "$cur")) ;;
      backup) COMPREPLY=($(compgen -W "create restore verify" -- "$cur")) ;;
      code) COMPREPLY=($(compgen -W "create list revoke" -- "$cur")) ;;
      config) COMPREPLY=($(compgen -W "check get set show" -- "$cur")) ;;
      connection) COMPREPLY=($(compgen -W "add change config disable enable list qr remove show" -- "$cur")) ;;
      daemon) COMPREPLY=($(compgen -W "restart run start stop" -- "$cur")) ;;
      device) COMPREPLY=($(compgen -W "inventory list quarantine release remove rename revoke show tag" -- "$cur")) ;;
      event) COMPREPLY=($(compgen -W "list watch" -- "$cur")) ;;
      ha) COMPREPLY=($(compgen -W "disable enable history list show switch" -- "$cur")) ;;
      job) COMPREPLY=($(compgen -W "cancel list retry show watch" -- "$cur")) ;;
      script) COMPREPLY=($(compgen -W "add list remove run show" -- "$cur")) ;;
      service) COMPREPLY=($(compgen -W "install status uninstall" -- "$cur")) ;;
      session) COMPREPLY=($(compgen -W "export list replay search show" -- "$cur")) ;;
      shell) COMPREPLY=($(compgen -W "kill list" -- "$cur")) ;;
      telemetry) COMPREPLY=($(compgen -W "show watch" -- "$cur")) ;;
      tunnel) COMPREPLY=($(compgen -W "connect disconnect forward list ports status" -- "$cur")) ;;
      user) COMPREPLY=($(compgen -W "grant list me revoke" -- "$cur")) ;;
      vpn) COMPREPLY=($(compgen -W "create delete list show status" -- "$cur")) ;;
    esac
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    if [[ -n $file ]]; then compopt -o default; fi
    if [[ -n $named ]]; then
      # As the program gets them: without the backslashes that bash needs.
      typed=("${line[@]:1}")
      # Not through compgen -W, which would expand, and so run, what a device has put into its name.
      while IFS=$'\t' read -r word _; do
        if [[ $word == "${cur//\\/}"* ]]; then
          printf -v word %q "$word"
          # Of the word that is begun bash replaces only what it takes for the last one.
          if [[ ${own#[=:]} != "$cur" && $cur == *[=:]* ]]; then word=${word#"${cur%"${cur##*[=:]}"}"}; fi
          COMPREPLY+=("$word")
        fi
      done < <("$program" completion names --begins="${cur//\\/}" -- "${typed[@]//\\/}" 2>/dev/null)
      # A path follows.
      if [[ ${COMPREPLY[0]} == *: ]]; then compopt -o nospace; fi
    fi
  fi
}
complete -F _borealisctl borealisctl
