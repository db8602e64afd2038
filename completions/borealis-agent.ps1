# PowerShell completion of borealis-agent. Made by: borealis-agent completion powershell
Register-ArgumentCompleter -Native -CommandName borealis-agent -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $commands = @('enroll', 'run', 'status', 'doctor', 'unenroll', 'completion')
  $before = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  $command = $before | Where-Object { $commands -contains $_ } | Select-Object -First 1
  $last = $before | Select-Object -Last 1
  $candidates = if ($last -eq '--context') {
    @('system', 'user')
  } elseif ($wordToComplete.StartsWith('-')) {
    @('--context', '--state', '--config', '--json', '--help', '--version')
    if ($command -eq 'unenroll') { '--yes' }
  } elseif (-not $command) {
    $commands
  } elseif ($command -eq 'completion') {
    @('bash', 'zsh', 'fish', 'powershell')
  } else {
    @()
  }
  $candidates | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
