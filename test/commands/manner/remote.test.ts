import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parseHost, sshArguments } from '../../../src/commands/manner/remote.ts';
import { quoteForShell } from '../../../src/commands/manner/words.ts';
import { binary } from '../../lab/processes.ts';

describe('the address', () => {
  test.each([
    ['ssh://host', { destination: 'host', port: undefined, program: 'borealisctl' }],
    ['ssh://root@host:2222', { destination: 'root@host', port: '2222', program: 'borealisctl' }],
    [
      'ssh://root@host/opt/borealis/bin/borealisctl',
      { destination: 'root@host', port: undefined, program: '/opt/borealis/bin/borealisctl' },
    ],
    [
      'ssh://alice@[2001:db8::1]:22',
      { destination: 'alice@2001:db8::1', port: '22', program: 'borealisctl' },
    ],
  ])('%s', (address, target) => expect(parseHost(address)).toEqual(target));

  test.each([
    'host',
    'http://host',
    'ssh://',
    'ssh://-oProxyCommand=id',
    'ssh://a@b@c',
    'ssh://host:port',
    'ssh://ho st',
    'ssh://`id`',
    'ssh://$(id)@host',
    'ssh://host;id',
    "ssh://a'b@host",
  ])('“%s” is refused', (address) =>
    expect(() => parseHost(address)).toThrow(expect.objectContaining({ code: 'USAGE' })),
  );
});

test('a terminal is asked for only where there is one; the destination cannot be an option', () => {
  const target = parseHost('ssh://root@host:2222');
  expect(sshArguments(target, ['status'], false)).toEqual([
    '-p',
    '2222',
    '--',
    'root@host',
    'borealisctl status',
  ]);
  expect(sshArguments(target, ['status'], true)[0]).toBe('-t');
});

test('whatever the arguments, the remote shell hands over the same', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
        { minLength: 1, maxLength: 5 },
      ),
      (words) => {
        const { stdout } = spawnSync('sh', ['-c', `printf '%s\\0' ${words.map(quoteForShell).join(' ')}`]);
        expect(stdout.toString('utf8')).toBe(
          words.map((word) => `${Buffer.from(word, 'utf8').toString('utf8')}\0`).join(''),
        );
      },
    ),
    { numRuns: 40 },
  );
});

describe('through ssh', () => {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-ssh-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  // What stands between is ssh's affair: this one writes down what it was given and runs it here.
  writeFileSync(
    join(directory, 'ssh'),
    `#!/bin/sh
printf '%s\\n' "$@" > "${directory}/given"
if [ -n "$SSH_FAILS" ]; then exit "$SSH_FAILS"; fi
while [ "$1" != -- ]; do shift; done
shift 2
PATH="${directory}:$PATH" exec sh -c "$*"
`,
  );
  writeFileSync(join(directory, 'borealisctl'), '#!/bin/sh\nprintf "%s|" "$@"\ncat\nexit 7\n');
  for (const name of ['ssh', 'borealisctl']) chmodSync(join(directory, name), 0o755);

  const run = (args: string[], { input = '', ...env }: Record<string, string> = {}) =>
    spawnSync(binary('borealisctl'), args, {
      encoding: 'utf8',
      input,
      env: { PATH: `${directory}:${process.env.PATH}`, BOREALIS_HOST: 'ssh://root@far', ...env },
    });

  test('the same words arrive, standard input too, and the exit code comes back', () => {
    const { status, stdout } = run(['run', 'web-1', '--', 'sh', '-c', `echo "it's" $HOME`], {
      input: 'typed',
    });
    expect(stdout).toBe(`run|web-1|--|sh|-c|echo "it's" $HOME|typed`);
    expect(status).toBe(7);
  });

  test('a passphrase in a file of this machine goes through standard input, never among the arguments', () => {
    const file = join(directory, 'secret');
    writeFileSync(file, 'correct horse\n');
    const { stdout } = run(['backup', 'verify', 'x.backup', '--passphrase-file', file]);
    expect(stdout).toBe('backup|verify|x.backup|--passphrase-file|-|correct horse\n');
    expect(readFileSync(join(directory, 'given'), 'utf8')).not.toContain('correct');
    const joined = run(['backup', 'verify', 'x.backup', `--passphrase-file=${file}`]);
    expect(joined.stdout).toBe(stdout);
  });

  test('a flag of that name on a device’s command line is the device’s, and no file of ours is sent there', () => {
    const file = join(directory, 'secret');
    writeFileSync(file, 'correct horse\n');
    const words = ['run', 'backup', '--', 'backup', '--passphrase-file', file];
    expect(run(words, { BOREALIS_PASSPHRASE_FILE: file }).stdout).toBe(`${words.join('|')}|`);
  });

  test('ssh that cannot get there is an engine that cannot be reached', () => {
    const { status, stdout } = run(['status', '--json'], { SSH_FAILS: '255' });
    expect([status, JSON.parse(stdout)]).toMatchObject([5, { error: { code: 'ENGINE_UNREACHABLE' } }]);
  });

  test('what is about this machine stays here', () => {
    expect(run(['completion', 'bash']).stdout).toContain('complete -F');
    expect(run(['--version']).status).toBe(0);
    expect(run(['device', '--help']).stdout).toContain('USAGE');
  });
});
