/**
 * A PowerShell script as PowerShell's grammar reads it, for machines that have no PowerShell. It does not run the script:
 * it finds what PowerShell would refuse or leave undefined, and the command lines that the script would run.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Language, type Node, Parser } from 'web-tree-sitter';

/** The commands that our script uses, with the parameters of each that it may name. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'Register-ArgumentCompleter': ['-Native', '-CommandName', '-ScriptBlock'],
  'Select-Object': ['-First', '-Last', '-Skip'],
  'Where-Object': [],
  'ForEach-Object': [],
  'Sort-Object': [],
};
/** Of the objects that it is given: CommandAst and IScriptExtent, String, Hashtable, arrays, CompletionResult. */
const MEMBERS = [
  ...['CommandElements', 'Extent', 'EndOffset', 'ToString', 'StartsWith', 'Replace'],
  ...['Count', 'ContainsKey', 'Keys', 'new'],
];
const GIVEN = ['$_', '$null', '$true', '$false'];

const grammar = async (): Promise<Parser> => {
  await Parser.init();
  const file = createRequire(import.meta.url).resolve('tree-sitter-powershell/tree-sitter-powershell.wasm');
  return new Parser().setLanguage(await Language.load(await readFile(file)));
};
let loaded: Promise<Parser> | undefined;

export class PowerShellScript {
  readonly #root: Node;

  private constructor(root: Node) {
    this.#root = root;
  }

  static async read(text: string): Promise<PowerShellScript> {
    loaded ??= grammar();
    return new PowerShellScript((await loaded).parse(text)!.rootNode);
  }

  /** What PowerShell would not take, or not as it is meant; each with its line. */
  problems(program: string): string[] {
    const at = (node: Node, what: string): string =>
      `line ${node.startPosition.row + 1}: ${what} ${node.text.slice(0, 60)}`;
    const found: string[] = [];
    for (const node of everyNode(this.#root)) {
      if (node.isError || node.isMissing) found.push(at(node, 'not PowerShell:'));
      if (node.type === 'command') found.push(...commandProblems(node, program).map((it) => at(node, it)));
      if (node.type === 'member_name' && !MEMBERS.includes(node.text))
        found.push(at(node, 'no such member:'));
    }
    const known = new Set([...GIVEN, ...this.#assigned()]);
    for (const node of this.#all('variable')) {
      if (!known.has(node.text.replace('@', '$'))) found.push(at(node, 'nobody sets'));
    }
    return [...found, ...this.#registrationProblems(program)];
  }

  /** Of each command of that name: its arguments, where `variables` have these values. */
  callsOf(program: string, variables: Readonly<Record<string, string | readonly string[]>>): string[][] {
    return this.#all('command')
      .filter((command) => nameOf(command) === program)
      .map((command) => argumentsOf(command).flatMap((argument) => valuesOf(argument, variables)));
  }

  /** The words in what is assigned to a variable: of a table by key, of a list under the key ''. */
  wordsOf(variable: string): Record<string, string[]> {
    const assignment = this.#all('assignment_expression').find(
      (node) => node.namedChild(0)?.text === `$${variable}`,
    );
    const entries = assignment?.descendantsOfType('hash_entry') ?? [];
    if (entries.length === 0) return { '': words(assignment) };
    return Object.fromEntries(
      entries.map((entry) => [words(entry!.namedChild(0))[0], words(entry!.namedChildren.at(-1))]),
    );
  }

  #all(type: string): Node[] {
    return this.#root.descendantsOfType(type).filter((node) => node !== null);
  }

  #assigned(): string[] {
    const targets = [...this.#all('left_assignment_expression'), ...this.#all('script_parameter')];
    return targets.flatMap((node) => node.descendantsOfType('variable').map((variable) => variable!.text));
  }

  #registrationProblems(program: string): string[] {
    const registrations = this.#all('command').filter(
      (node) => nameOf(node) === 'Register-ArgumentCompleter',
    );
    const [node] = registrations;
    if (!node || registrations.length > 1)
      return [`${registrations.length} completers are registered, not 1`];
    const [native, name, value, block, body, ...rest] = argumentsOf(node);
    const parameters = [native, name, block].map((one) => one?.text).join(' ');
    const found: string[] = [];
    if (parameters !== '-Native -CommandName -ScriptBlock' || rest.length > 0)
      found.push('the completer is registered in another way');
    if (value?.text !== program) found.push(`the completer is that of ${value?.text}`);
    if (!body?.text.startsWith('{')) found.push('what completes is not a script block');
    // about_Functions_Argument_Completion: a native completer is given three.
    if (body?.descendantsOfType('script_parameter').length !== 3)
      found.push('the script block does not take the word, the command line and the place in it');
    return found;
  }
}

function* everyNode(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children) if (child) yield* everyNode(child);
}

const nameOf = (command: Node): string => command.childForFieldName('command_name')?.text ?? '';

const argumentsOf = (command: Node): Node[] =>
  (command.childForFieldName('command_elements')?.namedChildren ?? []).filter(
    (node) => node !== null && node.type !== 'command_argument_sep',
  ) as Node[];

const commandProblems = (command: Node, program: string): string[] => {
  const name = nameOf(command);
  if (name === program) return [];
  const parameters = COMMANDS[name];
  if (!parameters) return ['no such command:'];
  return argumentsOf(command)
    .filter(({ type, text }) => type === 'command_parameter' && !parameters.includes(text))
    .map(({ text }) => `no such parameter, ${text}:`);
};

const words = (node: Node | null | undefined): string[] =>
  (node?.descendantsOfType('verbatim_string_characters') ?? []).map((one) =>
    one!.text.slice(1, -1).replaceAll("''", "'"),
  );

const valuesOf = (
  argument: Node,
  variables: Readonly<Record<string, string | readonly string[]>>,
): string[] => {
  const { text } = argument;
  // What the program says on its standard error is left out.
  if (/^\d>/.test(text)) return [];
  // The grammar takes the first `--` for an operator; PowerShell hands it to a program as it is (Parser.CommandRule).
  const afterDashes = /^--\s+(.*)$/s.exec(text)?.[1];
  const splatted = /^@(\w+)$/.exec(afterDashes ?? text)?.[1];
  const dashes = afterDashes === undefined ? [] : ['--'];
  if (splatted !== undefined) return [...dashes, ...[variables[splatted] ?? []].flat()];
  if (afterDashes !== undefined || (argument.type !== 'generic_token' && !/^".*"$/.test(text)))
    throw new Error(`not known what PowerShell makes of the argument ${text}`);
  return [text.replace(/^"|"$/g, '').replace(/\$(\w+)/g, (_, name: string) => String(variables[name]))];
};
