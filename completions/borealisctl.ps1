# PowerShell completion of borealisctl. Made by: borealisctl completion powershell
Register-ArgumentCompleter -Native -CommandName borealisctl -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $verbs = @{
    'approval' = @('approve', 'deny', 'list', 'show')
    'audit' = @('list', 'verify')
    'backup' = @('create', 'restore', 'verify')
    'code' = @('create', 'list', 'revoke')
    'completion' = @()
    'config' = @('check', 'get', 'set', 'show')
    'connection' = @('add', 'change', 'config', 'disable', 'enable', 'list', 'qr', 'remove', 'show')
    'cp' = @()
    'daemon' = @('restart', 'run', 'start', 'stop')
    'dashboard' = @()
    'device' = @('inventory', 'list', 'quarantine', 'release', 'remove', 'rename', 'revoke', 'show', 'tag')
    'doctor' = @()
    'event' = @('list', 'watch')
    'ha' = @('disable', 'enable', 'history', 'list', 'show', 'switch')
    'job' = @('cancel', 'list', 'retry', 'show', 'watch')
    'log' = @()
    'quickstart' = @()
    'run' = @()
    'script' = @('add', 'list', 'remove', 'run', 'show')
    'service' = @('install', 'status', 'uninstall')
    'session' = @('export', 'list', 'replay', 'search', 'show')
    'shell' = @('kill', 'list')
    'status' = @()
    'telemetry' = @('show', 'watch')
    'tunnel' = @('connect', 'disconnect', 'forward', 'list', 'ports', 'status')
    'user' = @('grant', 'list', 'me', 'revoke')
    'vpn' = @('create', 'delete', 'list', 'show', 'status')
    'wallboard' = @()
  }
  $flags = @{
    'approval approve' = @('--merge', '--overwrite', '--name', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'approval deny' = @('--reason', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'approval list' = @('--all', '--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'approval show' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'audit list' = @('--actor', '--action', '--target', '--since', '--limit', '--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'audit verify' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'backup create' = @('--passphrase-file', '--force', '--verify', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'backup restore' = @('--passphrase-file', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'backup verify' = @('--passphrase-file', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'code create' = @('--uses', '--expires', '--site', '--tag', '--auto-approve', '--address', '--qr', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'code list' = @('--all', '--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'code revoke' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'completion' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'config check' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'config get' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'config set' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'config show' = @('--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'connection add' = @('--public-key', '--psk', '--expires', '--allow', '--site-subnets', '--address', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'connection change' = @('--allow', '--allow-all', '--expires', '--no-expiry', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'connection config' = @('--file', '--force', '--new-key', '--preview', '--format', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'connection disable' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'connection enable' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'connection list' = @('--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'connection qr' = @('--png', '--force', '--new-key', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'connection remove' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'connection show' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'cp' = @('--recursive', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'daemon restart' = @('--state', '--listen', '--config', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'daemon run' = @('--state', '--listen', '--config', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'daemon start' = @('--state', '--listen', '--config', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'daemon stop' = @('--state', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'dashboard' = @('--screen', '--screen-reader', '--theme', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'device inventory' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'device list' = @('--state', '--site', '--tag', '--search', '--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'device quarantine' = @('--tag', '--site', '--all', '--reason', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'device release' = @('--tag', '--site', '--all', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'device remove' = @('--tag', '--site', '--all', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'device rename' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'device revoke' = @('--tag', '--site', '--all', '--reason', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'device show' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'device tag' = @('--site', '--no-site', '--tag', '--all', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'doctor' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'event list' = @('--device', '--type', '--limit', '--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'event watch' = @('--type', '--device', '--after', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'ha disable' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'ha enable' = @('--primary', '--standby', '--address', '--interface', '--port', '--lease', '--threshold', '--driver', '--hook', '--router-id', '--fail-back', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'ha history' = @('--limit', '--output', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'ha list' = @('--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'ha show' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'ha switch' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'job cancel' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'job list' = @('--state', '--limit', '--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'job retry' = @('--all', '--detach', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'job show' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'job watch' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'log' = @('--follow', '--lines', '--component', '--level', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'quickstart' = @('--down', '--purge', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'run' = @('--tag', '--site', '--all', '--context', '--timeout', '--ttl', '--detach', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'script add' = @('--name', '--language', '--description', '--replace', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'script list' = @('--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'script remove' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'script run' = @('--tag', '--site', '--all', '--context', '--timeout', '--ttl', '--detach', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'script show' = @('--body', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'service install' = @('--agent', '--state', '--user', '--start', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'service status' = @('--agent', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'service uninstall' = @('--agent', '--purge', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'session export' = @('--force', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'session list' = @('--device', '--limit', '--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'session replay' = @('--speed', '--idle-limit', '--from', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'session search' = @('--device', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'session show' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'shell' = @('--attach', '--read-only', '--user', '--record-input', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'shell kill' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'shell list' = @('--device', '--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'status' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'telemetry show' = @('--since', '--until', '--points', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'telemetry watch' = @('--lines', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'tunnel connect' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'tunnel disconnect' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'tunnel forward' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'tunnel list' = @('--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'tunnel ports' = @('--set', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'tunnel status' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'user grant' = @('--project', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'user list' = @('--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'user me' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'user revoke' = @('--project', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'vpn create' = @('--endpoint', '--pool', '--pool6', '--port', '--local-subnet', '--masquerade', '--node', '--dns', '--mtu', '--project', '--label', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'vpn delete' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'vpn list' = @('--project', '--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'vpn show' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'vpn status' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'wallboard' = @('--every', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
  }
  $values = @{
    'approval list --output' = @('table', 'json', 'yaml', 'name')
    'audit list --output' = @('table', 'json', 'yaml', 'name')
    'code list --output' = @('table', 'json', 'yaml', 'name')
    'config show --output' = @('table', 'json', 'yaml', 'name')
    'connection config --format' = @('wg-quick', 'wg', 'compact')
    'connection list --output' = @('table', 'json', 'yaml', 'name')
    'dashboard --screen' = @('overview', 'device', 'approval', 'job', 'script', 'code', 'tunnel', 'vpn', 'ha', 'session', 'audit')
    'dashboard --theme' = @('auto', 'dark', 'light')
    'device list --state' = @('pending', 'online', 'offline', 'quarantined', 'revoked')
    'device list --output' = @('table', 'json', 'yaml', 'name')
    'event list --output' = @('table', 'json', 'yaml', 'name')
    'ha enable --driver' = @('own', 'keepalived', 'hook')
    'ha history --output' = @('table', 'json', 'yaml', 'name')
    'ha list --output' = @('table', 'json', 'yaml', 'name')
    'job list --state' = @('queued', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'expired')
    'job list --output' = @('table', 'json', 'yaml', 'name')
    'log --level' = @('trace', 'debug', 'info', 'warn', 'error', 'fatal')
    'run --context' = @('system', 'user')
    'script add --language' = @('shell', 'python', 'node', 'powershell')
    'script list --output' = @('table', 'json', 'yaml', 'name')
    'script run --context' = @('system', 'user')
    'session list --output' = @('table', 'json', 'yaml', 'name')
    'shell list --output' = @('table', 'json', 'yaml', 'name')
    'tunnel list --output' = @('table', 'json', 'yaml', 'name')
    'user list --output' = @('table', 'json', 'yaml', 'name')
    'vpn list --output' = @('table', 'json', 'yaml', 'name')
  }
  $named = @('approval approve', 'approval deny', 'approval show', 'code revoke', 'completion', 'config get', 'config set', 'connection add', 'connection change', 'connection config', 'connection disable', 'connection enable', 'connection list', 'connection qr', 'connection remove', 'connection show', 'cp', 'device inventory', 'device quarantine', 'device release', 'device remove', 'device rename', 'device revoke', 'device show', 'device tag', 'ha disable', 'ha enable', 'ha history', 'ha show', 'ha switch', 'job cancel', 'job retry', 'job show', 'job watch', 'run', 'script remove', 'script run', 'script show', 'session export', 'session replay', 'session show', 'shell', 'shell kill', 'telemetry show', 'telemetry watch', 'tunnel connect', 'tunnel disconnect', 'tunnel forward', 'tunnel ports', 'tunnel status', 'user grant', 'user revoke', 'vpn delete', 'vpn show', 'vpn status', 'approval approve --merge', 'approval approve --overwrite', 'audit list --actor', 'code create --site', 'code create --tag', 'device list --site', 'device list --tag', 'device quarantine --tag', 'device quarantine --site', 'device release --tag', 'device release --site', 'device remove --tag', 'device remove --site', 'device revoke --tag', 'device revoke --site', 'device tag --site', 'device tag --tag', 'event list --device', 'event list --type', 'event watch --type', 'event watch --device', 'ha enable --primary', 'ha enable --standby', 'run --tag', 'run --site', 'script run --tag', 'script run --site', 'session list --device', 'session search --device', 'shell --attach', 'shell -a', 'shell list --device', 'user grant --project', 'user revoke --project', 'vpn create --node', 'vpn create --project', 'vpn create --label', 'vpn list --project')

  $before = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  if ($before -contains '--') { return }
  $plain = @($before | Where-Object { -not $_.StartsWith('-') })
  $noun = $plain | Select-Object -First 1
  $second = if ($plain.Count -gt 1) { "$noun $($plain[1])" } else { $null }
  $command = if (-not $noun) {
    $null
  } elseif ($second -and $flags.ContainsKey($second)) {
    $second
  } elseif ($flags.ContainsKey($noun)) {
    $noun
  } else {
    $second
  }
  $last = $before | Select-Object -Last 1
  $candidates = if ($command -and $values.ContainsKey("$command $last")) {
    $values["$command $last"]
  } elseif ($wordToComplete.StartsWith('-')) {
    if ($command) { $flags[$command] } else { @('--help', '--version') }
  } elseif (-not $noun) {
    $verbs.Keys | Sort-Object
  } elseif (-not $command) {
    $verbs[$noun]
  } elseif (($named -contains $command) -or ($named -contains "$command $last")) {
    if ($plain.Count -eq 1) { $verbs[$noun] }
    borealisctl completion names "--begins=$wordToComplete" -- @before 2>$null
  } else {
    @()
  }
  $candidates | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    $word, $note = $_ -split "`t", 2
    $text = if ($word -match '^[\w./@:=-]+$') { $word } else { "'" + $word.Replace("'", "''") + "'" }
    if (-not $note) { $note = $word }
    [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $note)
  }
}
