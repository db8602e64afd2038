import { type CommandWords, idOf, namedFlags, nounsOf, verbsOf } from './words.ts';

export const powershell = (
  words: readonly CommandWords[],
): string => `# PowerShell completion of borealisctl. Made by: borealisctl completion powershell
Register-ArgumentCompleter -Native -CommandName borealisctl -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $verbs = @{
${nounsOf(words)
  .map(
    (noun) =>
      `    ${quote(noun)} = @(${verbsOf(words, noun)
        .map(({ verb }) => quote(verb ?? ''))
        .join(', ')})`,
  )
  .join('\n')}
  }
  $flags = @{
${words.map((command) => `    ${quote(idOf(command))} = @(${command.flags.map(({ long }) => quote(long)).join(', ')})`).join('\n')}
  }
  $values = @{
${words.flatMap(valueLines).join('\n')}
  }
  $named = @(${words
    .filter(({ named }) => named)
    .map((command) => quote(idOf(command)))
    .concat(namedFlags(words).map(quote))
    .join(', ')})

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
    $word, $note = $_ -split "\`t", 2
    $text = if ($word -match '^[\\w./@:=-]+$') { $word } else { "'" + $word.Replace("'", "''") + "'" }
    if (-not $note) { $note = $word }
    [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $note)
  }
}
`;

const valueLines = (command: CommandWords): string[] =>
  command.flags
    .filter(({ values }) => values.length > 0)
    .map(
      ({ long, values }) => `    ${quote(`${idOf(command)} ${long}`)} = @(${values.map(quote).join(', ')})`,
    );

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
