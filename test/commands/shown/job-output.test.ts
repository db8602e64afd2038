import { describe, expect, test } from 'vitest';
import { Output } from '../../../src/commands/manner/output.ts';
import type { Terminal } from '../../../src/commands/manner/terminal.ts';
import { JobOutput } from '../../../src/commands/shown/job-output.ts';
import type { JobTarget } from '../../../src/protocol/job.ts';

const outFor = (interactive: boolean): Output => {
  const terminal: Terminal = {
    width: 80,
    height: 24,
    interactive,
    color: { stdout: false, stderr: false },
    progress: false,
    canAsk: false,
  };
  return new Output({ json: false, quiet: false, terminal });
};

const made = (devices: string[], { interactive = false } = {}) => {
  const written = { stdout: '', stderr: '' };
  const output = new JobOutput(outFor(interactive), devices, (stream, text) => {
    written[stream] += text;
  });
  return { output, written };
};

const over = (stdout: string, rest: Partial<JobTarget> = {}): JobTarget => ({
  device: 'a',
  guid: '',
  state: 'succeeded',
  exit_code: 0,
  error_code: null,
  error: null,
  stderr: '',
  truncated: false,
  value: null,
  duration_ms: 1,
  ...rest,
  stdout,
});

describe('one device', () => {
  test('what was streamed is not shown again; what was not, is added', () => {
    const { output, written } = made(['a']);
    output.output('a', 'stdout', 'one\n');
    expect(output.ended(over('one\ntwo\n', { stderr: 'late' }))).toBe(true);
    expect(written).toEqual({ stdout: 'one\ntwo\n', stderr: 'late' });
  });

  test('a beginning that was missed is told, not made up for', () => {
    const { output, written } = made(['a']);
    output.output('a', 'stdout', 'two\n');
    expect(output.ended(over('one\ntwo\n'))).toBe(false);
    expect(written.stdout).toBe('two\n');
  });

  test('a result without its middle adds nothing to what was streamed whole', () => {
    const { output, written } = made(['a']);
    const whole = 'x'.repeat(400_000);
    for (let at = 0; at < whole.length; at += 50_000)
      output.output('a', 'stdout', whole.slice(at, at + 50_000));
    const kept = `${'x'.repeat(131_072)}\n[137856 bytes left out]\n${'x'.repeat(131_072)}`;
    expect(output.ended(over(kept, { truncated: true }))).toBe(true);
    expect(written.stdout).toBe(whole);
  });

  test.each([
    ['its end', 'x'.repeat(300_000)],
    ['all but its beginning and its end', `${'x'.repeat(200_000)}end\n`],
    ['everything', ''],
  ])('a stream that was cut is told where %s was not streamed', (_what, streamed) => {
    const { output } = made(['a']);
    for (let at = 0; at < streamed.length; at += 50_000)
      output.output('a', 'stdout', streamed.slice(at, at + 50_000));
    const kept = `${'x'.repeat(131_072)}\n[137860 bytes left out]\n${'x'.repeat(131_068)}end\n`;
    expect(output.ended(over(kept, { truncated: true }))).toBe(false);
  });

  test('a line like that which stands for a middle is nothing but a line', () => {
    const { output } = made(['a']);
    const line = '\n[9999999 bytes left out]\n';
    const whole = `${line}${'ü'.repeat(200_000)}${line}`;
    output.output('a', 'stdout', whole.slice(0, 150_000));
    output.output('a', 'stdout', whole.slice(150_000));
    const left = Buffer.byteLength(whole) - 262_144;
    const bytes = Buffer.from(whole);
    const kept = `${bytes.subarray(0, 131_072)}\n[${left} bytes left out]\n${bytes.subarray(-131_072)}`;
    expect(output.ended(over(kept, { truncated: true }))).toBe(true);
  });

  test('after a gap a file gets every line once, from the result; a person sees what comes', () => {
    const file = made(['a']);
    const person = made(['a'], { interactive: true });
    for (const { output } of [file, person]) {
      output.output('a', 'stdout', '1\n');
      output.missed(['a']);
      output.output('a', 'stdout', '4\n');
    }
    expect(person.written.stdout).toBe('1\n4\n');
    expect([file.output.ended(over('1\n2\n3\n4\n')), person.output.ended(over('1\n2\n3\n4\n'))]).toEqual([
      true,
      false,
    ]);
    expect(file.written.stdout).toBe('1\n2\n3\n4\n');
  });
});

describe('several devices', () => {
  test('pieces become whole lines, each behind its name; an open one is closed at the end', () => {
    const { output, written } = made(['a', 'long-name']);
    output.output('a', 'stdout', 'one\ntw');
    output.output('long-name', 'stdout', 'other\n');
    output.output('a', 'stdout', 'o\n\nthr');
    expect(written.stdout).toBe('a         | one\nlong-name | other\na         | two\na         | \n');
    output.ended(over('one\ntwo\n\nthree'));
    expect(written.stdout.endsWith('\na         | three\n')).toBe(true);
  });

  test('names cannot move the cursor, and wide ones are aligned', () => {
    const { output, written } = made(['x\u001b[2J', '計算機']);
    output.output('x\u001b[2J', 'stderr', 'a\n');
    output.output('計算機', 'stderr', 'b\n');
    expect(written.stderr).toBe('x\ufffd[2J  | a\n計算機 | b\n');
  });
});

describe('several devices on a terminal', () => {
  test('none writes behind the name of another, however it moves the cursor', () => {
    const { output, written } = made(['a', 'b'], { interactive: true });
    const forged = '\r\u001b[2Kb | all is well\u001b[1A\u009b1A\u001b]0;x\u0007\u202E';
    output.output('a', 'stdout', `${forged}\n`);
    output.output('a', 'stdout', '\u001b[31mred\u001b[0m\tand\ttabs\r\n');
    for (const obeyed of ['\r', '\u0007', '\u009b', '\u202e', '\u001b[2', '\u001b[1A', '\u001b]'])
      expect(written.stdout).not.toContain(obeyed);
    const [first, second] = written.stdout.split('\n');
    expect(first).toMatch(/^a \| .*b \| all is well/);
    expect(second).toBe('a | \u001b[31mred\u001b[0m\tand\ttabs\u001b[0m');
  });

  test('a file has every byte', () => {
    const { output, written } = made(['a', 'b']);
    output.output('a', 'stdout', 'x\r\u001b[2K\n');
    expect(written.stdout).toBe('a | x\r\u001b[2K\n');
  });

  test('a line without an end is ended', () => {
    const { output, written } = made(['a', 'b'], { interactive: true });
    for (let n = 0; n < 100; n++) output.output('a', 'stdout', 'x'.repeat(10_000));
    expect(written.stdout.length).toBeGreaterThan(900_000);
    expect(output.ended(over('x'.repeat(262_144), { truncated: true }))).toBe(true);
  });
});
