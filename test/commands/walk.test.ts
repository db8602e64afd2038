/** Every command keeps the manners, every operation has its command, and what is generated is current. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { globalFlags } from '../../src/commands/manner/flags.ts';
import { nounGroups } from '../../src/commands/manner/nouns.ts';
import { resolveCommand } from '../../src/commands/manner/resolve.ts';
import { typedName } from '../../src/commands/manner/typed.ts';
import { commands } from '../../src/commands/table.ts';
import { operations } from '../../src/protocol/operations.ts';

const root = join(import.meta.dirname, '../..');
const ids = Object.keys(commands);
const loaded = await Promise.all(
  Object.entries(commands).map(async ([id, { summary, load }]) => ({
    id,
    summary,
    command: (await load()).default,
  })),
);

describe.each(loaded)('$id', ({ id, summary, command }) => {
  test('says what it does, in one sentence, the same in the table', () => {
    expect(command.summary).toBe(summary);
    expect(summary).toMatch(/^[A-Z].{10,140}\.$/);
  });

  test('has examples, each of it and with flags that it has', () => {
    expect(command.examples.length).toBeGreaterThan(0);
    const flags = new Map(Object.entries({ ...command.flags, ...globalFlags }));
    const known = new Set(
      [...flags].flatMap(([name, flag]) => [`--${name}`, `--no-${name}`, `-${flag.char}`]),
    );
    for (const example of command.examples.map(String)) {
      const words = /borealisctl (.*)$/m.exec(example)?.[1]?.split(' ') ?? [];
      const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
      expect(resolveCommand(own, ids), example).toMatchObject({ kind: 'command', id });
      for (const word of own.filter((text) => /^--?[a-z]/.test(text)))
        expect([...known], example).toContain(word.split('=')[0]);
    }
  });

  test('takes --json and the other global flags, none of them anew', () => {
    expect(command.baseFlags).toBe(globalFlags);
    for (const name of Object.keys(command.flags)) expect(Object.keys(globalFlags)).not.toContain(name);
  });

  test('describes every flag and argument', () => {
    for (const [name, flag] of Object.entries(command.flags))
      expect(flag.summary ?? flag.description, `--${name}`).toMatch(/\.$/);
    for (const [name, arg] of Object.entries(command.args)) expect(arg.description, name).toMatch(/\.$/);
  });

  test('reads no argument from standard input', () => {
    for (const [name, arg] of Object.entries(command.args)) expect(arg.ignoreStdin, name).toBe(true);
  });
});

test('every operation of the local API has a command', () => {
  const called = new Set<string>(loaded.flatMap(({ command }) => command.operations));
  expect(Object.keys(operations).filter((name) => !called.has(name))).toEqual([]);
});

test('the grammar that users were promised is there', () => {
  const promised = `
    quickstart, status, doctor, daemon start, daemon stop, daemon restart, daemon run, service install, service uninstall,
    service status, backup create, backup verify, backup restore, config show, config get, config set, config check, log,
    event list, event watch, audit list, audit verify, code create, code list, code revoke, approval list, approval show,
    approval approve, approval deny, device list, device show, device rename, device tag, device quarantine,
    device release, device revoke, device remove, device inventory, telemetry show, telemetry watch, run, script add,
    script list, script show, script run, script remove, job list, job show, job watch, job cancel, job retry, user list,
    user grant, user revoke, tunnel connect, tunnel status,
    tunnel disconnect, tunnel list, tunnel ports, tunnel forward, shell, shell list, shell kill, session list,
    session show, session replay, session export, session search, vpn create, vpn list, vpn show, vpn status, vpn delete,
    connection add, connection list, connection show, connection config, connection qr, connection change, connection enable, connection disable,
    connection remove, ha show, ha enable, ha switch, ha disable, ha history, ha list, dashboard, wallboard, completion`;
  const missing = promised
    .split(',')
    .map((id) => id.trim())
    .filter((id) => !ids.includes(id));
  expect(missing).toEqual([]);
});

test('every field of an operation is known by what is typed for it', () => {
  /** What no command line has: made by the program, or of an operation that is called on the way. */
  const untyped = new Set([
    ...[
      'cursor',
      'limit',
      'before_seq',
      'targets',
      'cols',
      'rows',
      'term',
      'direction',
      'bytes',
      'connections',
    ],
    ...['preview', 'format', 'since', 'until', 'points', 'prefix', 'work', 'job', 'state', 'search'],
    // `tunnel forward` and `cp` tell of the device that they name; these two look at what is not theirs.
    ...['shell list', 'shell kill', 'shell'].map((id) => `${id}: device`),
    ...['quickstart', 'wallboard', 'completion names'],
  ]);
  const unknown = loaded.flatMap(({ id, command }) =>
    command.operations.flatMap((name) =>
      Object.keys(operations[name].input.shape)
        .filter((field) => typedName(field, command) === undefined)
        .filter((field) => ![field, id, `${id}: ${field}`].some((one) => untyped.has(one)))
        .map((field) => `${id}: ${name} ${field}`),
    ),
  );
  expect(unknown).toEqual([]);
});

test('every noun is in the overview', () => {
  const listed = new Set(nounGroups.flatMap(({ nouns }) => Object.keys(nouns)));
  const nouns = new Set(ids.map((id) => id.split(' ')[0] as string));
  expect([...nouns].filter((noun) => !listed.has(noun))).toEqual([]);
});

test('lists and shows take --watch, lists --output', () => {
  const of = (verb: string) =>
    loaded.filter(({ id }) => id.endsWith(` ${verb}`) && !/^(service|inventory|telemetry)/.test(id));
  const lacking = (verb: string, flag: string) =>
    of(verb)
      .filter(({ command }) => !(flag in command.flags))
      .map(({ id }) => id);
  expect([lacking('list', 'watch'), lacking('list', 'output'), lacking('show', 'watch')]).toEqual([
    [],
    [],
    [],
  ]);
});

test('what is generated from the source is current', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', 'scripts/generate.ts', '--check'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  expect([stderr, status], 'write it with: node scripts/generate.ts').toEqual(['', 0]);
});

test('every file below a noun is a command of the table', () => {
  const table = readFileSync(join(root, 'src/commands/table.ts'), 'utf8');
  for (const id of ids) expect(table).toContain(`import('./${id.replace(' ', '/')}.ts')`);
});
