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
    'daemon' = @('restart', 'run', 'start', 'stop')
    'dashboard' = @()
    'device' = @('inventory', 'list', 'quarantine', 'release', 'remove', 'rename', 'revoke', 'show', 'tag')
    'doctor' = @()
    'event' = @('watch')
    'job' = @('cancel', 'list', 'retry', 'show', 'watch')
    'log' = @()
    'quickstart' = @()
    'run' = @()
    'script' = @('add', 'list', 'remove', 'run', 'show')
    'service' = @('install', 'status', 'uninstall')
    'status' = @()
    'telemetry' = @('show', 'watch')
    'user' = @('grant', 'list', 'me', 'revoke')
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
    'daemon restart' = @('--state', '--listen', '--config', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'daemon run' = @('--state', '--listen', '--config', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'daemon start' = @('--state', '--listen', '--config', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'daemon stop' = @('--state', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'dashboard' = @('--screen', '--theme', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
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
    'event watch' = @('--type', '--after', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
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
    'status' = @('--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'telemetry show' = @('--since', '--until', '--points', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'telemetry watch' = @('--lines', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'user grant' = @('--project', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'user list' = @('--output', '--watch', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'user me' = @('--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'user revoke' = @('--project', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
    'wallboard' = @('--every', '--json', '--quiet', '--yes', '--no-color', '--socket', '--help')
  }
  $values = @{
    'approval list --output' = @('table', 'json', 'yaml', 'name')
    'audit list --output' = @('table', 'json', 'yaml', 'name')
    'code list --output' = @('table', 'json', 'yaml', 'name')
    'config show --output' = @('table', 'json', 'yaml', 'name')
    'dashboard --screen' = @('overview', 'device', 'approval', 'job', 'script', 'code', 'tunnel', 'session', 'audit')
    'dashboard --theme' = @('auto', 'dark', 'light')
    'device list --state' = @('pending', 'online', 'offline', 'quarantined', 'revoked')
    'device list --output' = @('table', 'json', 'yaml', 'name')
    'job list --state' = @('queued', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'expired')
    'job list --output' = @('table', 'json', 'yaml', 'name')
    'log --level' = @('trace', 'debug', 'info', 'warn', 'error', 'fatal')
    'run --context' = @('system', 'user')
    'script add --language' = @('shell', 'python', 'node', 'powershell')
    'script list --output' = @('table', 'json', 'yaml', 'name')
    'script run --context' = @('system', 'user')
    'user list --output' = @('table', 'json', 'yaml', 'name')
  }
  $devices = @('device inventory', 'device quarantine', 'device release', 'device remove', 'device rename', 'device revoke', 'device show', 'run', 'script run', 'telemetry show', 'telemetry watch')

  $before = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  if ($before -contains '--') { return }
  $plain = @($before | Where-Object { -not $_.StartsWith('-') })
  $noun = $plain | Select-Object -First 1
  $command = if (-not $noun) { $null } elseif ($verbs[$noun].Count -eq 0) { $noun }
    elseif ($plain.Count -gt 1) { "$noun $($plain[1])" } else { $null }
  $last = $before | Select-Object -Last 1
  $candidates = if ($command -and $values.ContainsKey("$command $last")) { $values["$command $last"] }
    elseif ($wordToComplete.StartsWith('-')) { if ($command) { $flags[$command] } else { @('--help', '--version') } }
    elseif (-not $noun) { $verbs.Keys | Sort-Object }
    elseif (-not $command) { $verbs[$noun] }
    elseif ($devices -contains $command) { borealisctl device names $wordToComplete 2>$null }
    else { @() }
  $candidates | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    $text = if ($_ -match '^[\w./@:=-]+$') { $_ } else { "'" + $_.Replace("'", "''") + "'" }
    [System.Management.Automation.CompletionResult]::new($text, $_, 'ParameterValue', $_)
  }
}
