import { describe, expect, test } from 'vitest';
import {
  CommandError,
  type CommandRunner,
  runCommand,
  runOrFail,
  showCommand,
} from '../../src/sys/command.ts';
import { isAlive } from '../../src/sys/processes.ts';

const failure = async (promise: Promise<unknown>): Promise<CommandError> => {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (caught: unknown) => caught,
  );
  if (!(error instanceof CommandError)) throw error;
  return error;
};
const LIMIT = { timeoutMs: 30_000 };

describe('a command', () => {
  test('gives its exit code and output, and takes input', async () => {
    const result = await runCommand('sh', ['-c', 'cat; echo trouble >&2; exit 3'], {
      ...LIMIT,
      input: 'given',
    });
    expect(result).toEqual({ exitCode: 3, signal: null, stdout: 'given', stderr: 'trouble\n' });
  });

  test('has nothing on its input unless given', async () => {
    expect(await runCommand('cat', [], LIMIT)).toMatchObject({ exitCode: 0, stdout: '' });
  });

  test('may ignore its input', async () => {
    const input = Buffer.alloc(1_000_000, 'x');
    expect(await runCommand('true', [], { ...LIMIT, input })).toMatchObject({ exitCode: 0 });
  });

  test('is no shell line: what is in an argument stays in it', async () => {
    const argument = '$(touch /tmp/x); `id` "quoted" \n*';
    expect((await runCommand('printf', ['%s', argument], LIMIT)).stdout).toBe(argument);
  });

  test('speaks C', async () => {
    const env = { PATH: process.env.PATH, LC_ALL: 'de_DE.UTF-8', SECRET: 'x' };
    expect((await runCommand('sh', ['-c', 'echo $LC_ALL $SECRET'], { ...LIMIT, env })).stdout).toBe('C x\n');
    expect((await runCommand('sh', ['-c', 'echo $LC_ALL'], LIMIT)).stdout).toBe('C\n');
  });

  test('of many bytes is read right across chunks', async () => {
    const { stdout } = await runCommand('sh', ['-c', 'yes ä☃ | head -n 40000'], LIMIT);
    expect(stdout).toBe('ä☃\n'.repeat(40_000));
  });
});

describe('a command that fails', () => {
  test('to exist', async () => {
    const error = await failure(runCommand('/no/such/command', ['x'], LIMIT));
    expect(error).toMatchObject({ code: 'COMMAND_FAILED', command: ['/no/such/command', 'x'] });
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
  });

  test('to end in time is killed, and tells what it said until then', async () => {
    const error = await failure(
      runCommand('sh', ['-c', 'trap "" TERM; echo $$; while :; do :; done'], { timeoutMs: 300 }),
    );
    expect(error.code).toBe('TIMED_OUT');
    expect(error.result).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    expect(isAlive(Number(error.result.stdout))).toBe(false);
  });

  test('to stop talking is killed', async () => {
    const error = await failure(runCommand('yes', [], { ...LIMIT, maxOutputBytes: 100_000 }));
    expect(error.code).toBe('COMMAND_FAILED');
    expect(error.message).toContain('said more than 100000 bytes');
    expect(error.result.stdout.length).toBeLessThanOrEqual(100_000);
  });

  test('to be wanted any more is killed', async () => {
    const controller = new AbortController();
    const promise = failure(runCommand('sleep', ['1000'], { ...LIMIT, signal: controller.signal }));
    controller.abort();
    expect((await promise).code).toBe('CANCELLED');
    expect((await failure(runCommand('sleep', ['1000'], { ...LIMIT, signal: controller.signal }))).code).toBe(
      'CANCELLED',
    );
  });

  test('with an exit code fails only where that is asked for, with command and output', async () => {
    const error = await failure(
      runOrFail(runCommand, 'sh', ['-c', 'echo out; echo "it is broken" >&2; exit 4'], LIMIT),
    );
    expect(error.code).toBe('COMMAND_FAILED');
    expect(error.message).toContain('ended with exit code 4');
    expect(error.message).toContain('it is broken');
    expect(error.message).not.toContain('out;echo'.repeat(2));
  });

  test('by leaving a child that holds its output ends all the same', async () => {
    const { stdout } = await runCommand('sh', ['-c', 'sleep 100 & echo $!'], LIMIT);
    process.kill(Number(stdout));
  });
});

test('input is in no error', async () => {
  const input = 'the-private-key';
  const error = await failure(
    runOrFail(runCommand, 'sh', ['-c', 'cat > /dev/null; exit 1'], { ...LIMIT, input }),
  );
  expect(`${error.message}${JSON.stringify(error)}`).not.toContain(input);
});

test('a simulation stands in for the system', async () => {
  const rules = new Set<string>();
  const fake: CommandRunner = async (file, args) => {
    if (file !== 'nft' || args[0] !== 'add') throw new Error(`unexpected: ${file} ${args.join(' ')}`);
    rules.add(args.slice(1).join(' '));
    return { exitCode: 0, signal: null, stdout: '', stderr: '' };
  };
  await runOrFail(fake, 'nft', ['add', 'rule'], LIMIT);
  expect([...rules]).toEqual(['rule']);
});

test('commands are shown as they could be typed', () => {
  expect(showCommand(['ip', 'link', 'add', "it's", '', 'a b'])).toBe(`ip link add 'it'\\''s' '' 'a b'`);
});
