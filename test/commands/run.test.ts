/** `run`, `script run` and `job …` against real agents: output, exit codes, Ctrl-C, devices that are away. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Job } from '../../src/protocol/job.ts';
import { Place, type Process } from '../lab/processes.ts';
import { CTRL_C, Terminal } from '../lab/terminal.ts';

const place = new Place();
const terminals: Terminal[] = [];
afterAll(async () => {
  for (const terminal of terminals) terminal.kill();
  await place.dispose();
});

let web: Process;
beforeAll(async () => {
  await place.startEngine();
  web = await place.startDevice('web-1');
  await place.startDevice('db-1');
}, 60_000);

const terminal = (...args: string[]): Terminal => {
  const made = new Terminal({ args, env: { BOREALIS_SOCKET: place.socket } });
  terminals.push(made);
  return made;
};

const newestJob = async (): Promise<Job> => {
  const [newest] = await place.client.all('job.list', {}, { most: 1 });
  return place.client.call('job.show', { job: newest!.id });
};

describe('one device', () => {
  test('its output is ours, byte for byte, and so is the way it ends', async () => {
    const script = 'printf "one\\ttwo\\033[1m"; echo three >&2; printf "no line end"';
    const { code, stdout, stderr } = await place.ctl(['run', 'web-1', '--', 'sh', '-c', script]);
    expect([code, stdout, stderr]).toEqual([0, 'one\ttwo\u001b[1mno line end', 'three\n']);
  });

  test('loud and quick: not a line is lost', async () => {
    const { stdout } = await place.ctl(['run', 'web-1', '--', 'seq', '1', '60000']);
    expect(stdout).toBe(`${Array.from({ length: 60_000 }, (_, index) => index + 1).join('\n')}\n`);
  });

  test('too loud to be streamed to its end: what is missing is told', async () => {
    const loud = 'head -c 40000000 /dev/zero | tr "\\0" x; echo end';
    const { code, stdout, stderr } = await place.ctl(['run', 'web-1', '--', 'sh', '-c', loud]);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/output of web-1 was not shown.*job show \w+/s),
    ]);
    expect(stdout.length).toBeLessThan(40_000_000);
  });

  test('what the command reads is nothing, and arguments stay as they are', async () => {
    const words = ['a b', '*', '$HOME', '--json', '--', "it's"];
    const { stdout } = await place.ctl(['run', 'web-1', '--', 'printf', '[%s]', ...words]);
    expect(stdout).toBe(words.map((word) => `[${word}]`).join(''));
  });

  test('failed: 1, and the exit code is said', async () => {
    const { code, stdout, stderr } = await place.ctl([
      'run',
      'web-1',
      '--',
      'sh',
      '-c',
      'echo so far; exit 3',
    ]);
    expect([code, stdout]).toEqual([1, 'so far\n']);
    expect(stderr).toMatch(/^Error: web-1: exit code 3\.\nNext: .*borealisctl job show [a-z2-7]{12}\n$/);
  });

  test('out of time: 6', async () => {
    const { code, stderr } = await place.ctl(['run', 'web-1', '--timeout', '1s', '--', 'sleep', '60']);
    expect(code).toBe(6);
    expect(stderr).toContain('--timeout');
  });

  test('a whole command line in one word: the way to a shell is shown', async () => {
    const { code, stderr } = await place.ctl(['run', 'web-1', '--', 'echo a | wc']);
    expect(code).toBe(1);
    expect(stderr).toContain("borealisctl run web-1 -- sh -c 'echo a | wc'");
  });

  test('a forgotten “--” is put where it belongs', async () => {
    const { code, stderr } = await place.ctl(['run', 'web-1', 'uptime']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('borealisctl run web-1 -- uptime')]);
  });

  test('--json: a failure is in the document, and in the exit code', async () => {
    const { code, stdout, stderr } = await place.ctl([
      'run',
      'web-1',
      '--json',
      '--',
      'sh',
      '-c',
      'echo x; exit 7',
    ]);
    const job = JSON.parse(stdout) as Job;
    expect([code, stderr, job.state]).toEqual([1, '', 'failed']);
    expect(job.targets).toMatchObject([{ device: 'web-1', exit_code: 7, stdout: 'x\n' }]);
  });

  test('--detach prints the id and nothing else', async () => {
    const { code, stdout } = await place.ctl(['run', 'web-1', '--detach', '--', 'true']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^[a-z2-7]{12}\n$/)]);
    expect((await place.finished(stdout.trim())).state).toBe('succeeded');
  });
});

describe('several devices', () => {
  test('each line stands behind the name of its device, aligned', async () => {
    const { code, stdout, stderr } = await place.ctl([
      'run',
      '--all',
      '--',
      'sh',
      '-c',
      'echo a; echo b >&2; printf c',
    ]);
    expect(code).toBe(0);
    expect(stdout.split('\n').sort().slice(1)).toEqual(['db-1  | a', 'db-1  | c', 'web-1 | a', 'web-1 | c']);
    expect(stderr).toContain('Succeeded on all 2 devices.');
  });

  test('some failed: 8; all failed: 1', async () => {
    const onOne = 'test "$(hostname)$BOREALIS_DEVICE" = x';
    const all = await place.ctl(['run', 'web-1', 'db-1', '--', 'sh', '-c', onOne]);
    expect([all.code, all.stderr]).toEqual([1, expect.stringContaining('2 failed.')]);
    // The first one makes the directory, the other finds that it is there.
    const some = await place.ctl(['run', 'web-1', 'db-1', '--', 'mkdir', place.path('only-once')]);
    expect([some.code, some.stderr]).toEqual([8, expect.stringContaining('1 succeeded, 1 failed.')]);
  });

  test('an unknown one: 3, and nothing ran on the others', async () => {
    const before = await newestJob();
    const { code } = await place.ctl(['run', 'web-1', 'nosuch', '--', 'true']);
    expect([code, (await newestJob()).id]).toEqual([3, before.id]);
  });
});

describe('Ctrl-C', () => {
  test('cancels what runs, and ends it on the device', async () => {
    const file = place.path('still-here');
    const run = terminal('run', 'web-1', '--', 'sh', '-c', `echo begun; sleep 60; touch ${file}`);
    await run.until('begun');
    run.type(CTRL_C);
    expect(await run.ended).toBe(130);
    expect(run.text).toContain('Cancelled.');
    expect((await newestJob()).state).toBe('cancelled');
  });

  test('of job watch leaves the job alone', async () => {
    const { stdout } = await place.ctl([
      'run',
      'web-1',
      '--detach',
      '--',
      'sh',
      '-c',
      'echo begun; sleep 60',
    ]);
    const id = stdout.trim();
    const watch = terminal('job', 'watch', id.slice(0, 8));
    await watch.until('begun');
    watch.type(CTRL_C);
    expect(await watch.ended).toBe(130);
    const records = place.start('borealisctl', ['job', 'watch', id, '--json'], {
      BOREALIS_SOCKET: place.socket,
    });
    await records.until(() => records.stdout.includes('begun'), 'begun');
    expect((await records.kill('SIGINT')).code).toBe(130);
    expect((await place.client.call('job.show', { job: id })).state).toBe('running');
    const cancel = await place.ctl(['job', 'cancel', id]);
    expect([cancel.code, cancel.stdout]).toEqual([0, expect.stringContaining(id)]);
    expect((await place.finished(id)).state).toBe('cancelled');
    expect((await place.ctl(['job', 'cancel', id])).code).toBe(7);
  });

  test('a reader that has read enough ends the job', async () => {
    const run = place.start('borealisctl', ['run', 'web-1', '--', 'yes'], { BOREALIS_SOCKET: place.socket });
    await run.until(() => run.stdout.length > 0, 'output');
    run.child.stdout!.destroy();
    await run.finished;
    const { id } = await newestJob();
    expect((await place.finished(id)).state).toBe('cancelled');
  });
});

describe('a device that is away', () => {
  beforeAll(async () => {
    const away = await place.startDevice('away');
    const after = await place.newestEvent();
    await away.kill('SIGTERM');
    await place.event('device.offline', ({ device }) => device === 'away', after);
  });

  test('is waited for, which is said; Ctrl-C cancels', async () => {
    const run = terminal('run', 'away', '--', 'true');
    await run.until('away is offline: the command waits');
    run.type(CTRL_C);
    expect(await run.ended).toBe(130);
    expect((await newestJob()).state).toBe('cancelled');
  });

  test('and does not come back: 6; among others: 8', async () => {
    const alone = await place.ctl(['run', 'away', '--ttl', '1s', '--', 'true']);
    expect([alone.code, alone.stderr]).toEqual([6, expect.stringContaining('borealisctl job retry')]);
    const among = await place.ctl(['run', 'away', 'web-1', '--ttl', '1s', '--', 'true']);
    expect(among.code).toBe(8);
  });
});

describe('scripts', () => {
  const bye = place.path('bye');
  writeFileSync(bye, '#!/usr/bin/env -S bash -e\necho "bye $*"\nexit 4\n');

  test('the first line tells the language; other content needs --replace', async () => {
    expect(await place.json(['script', 'add', bye])).toMatchObject({ name: 'bye', language: 'shell' });
    expect((await place.ctl(['script', 'add', bye])).code).toBe(0);
    const changed = { input: '#!/bin/sh\necho "bye $*"\nexit 5\n' };
    expect((await place.ctl(['script', 'add', '-', '--name', 'bye'], changed)).code).toBe(7);
    expect((await place.ctl(['script', 'add', '-', '--name', 'bye', '--replace'], changed)).code).toBe(0);
    expect((await place.ctl(['script', 'show', 'bye', '--body'])).stdout).toBe(changed.input);
  });

  test('what is no script is refused', async () => {
    writeFileSync(place.path('x.sh'), Buffer.from([0xff, 0xfe, 0x00]));
    expect((await place.ctl(['script', 'add', place.path('x.sh')])).stderr).toContain('not text in UTF-8');
    writeFileSync(place.path('words'), 'just words\n');
    expect((await place.ctl(['script', 'add', place.path('words')])).stderr).toContain('--language');
    expect((await place.ctl(['script', 'add', '-'], { input: 'x' })).stderr).toContain('--name');
    expect((await place.ctl(['script', 'add', place.path('missing.sh')])).code).toBe(2);
  });

  test('run with arguments, and end as they end', async () => {
    const { code, stdout } = await place.ctl(['script', 'run', 'bye', 'web-1', '--', 'a b', '--json']);
    expect([code, stdout]).toEqual([1, 'bye a b --json\n']);
    expect((await place.ctl(['script', 'run', 'nosuch', 'web-1'])).code).toBe(3);
  });

  test('are forgotten, which is asked where somebody can answer', async () => {
    const remove = terminal('script', 'remove', 'bye');
    await remove.until('[y/N]');
    remove.type('no\r');
    expect(await remove.ended).toBe(1);
    expect((await place.ctl(['script', 'remove', 'bye'])).code).toBe(0);
    expect((await place.ctl(['script', 'remove', 'bye'])).code).toBe(3);
  });
});

describe('jobs', () => {
  test('show: what devices wrote cannot move the cursor', async () => {
    await place.ctl(['run', 'web-1', '--', 'printf', 'a\\033[2Jb\\tc\\nd']);
    const { stdout } = await place.ctl(['job', 'show', (await newestJob()).id]);
    expect(stdout).toContain('    a\ufffd[2Jb  c\n    d\n');
  });

  test('retry: where it did not succeed, and only there', async () => {
    await place.ctl(['run', 'web-1', 'db-1', '--', 'mkdir', place.path('again')]);
    const { id } = await newestJob();
    const retry = await place.ctl(['job', 'retry', id]);
    expect([retry.code, (await newestJob()).targets.length, (await newestJob()).retry_of]).toEqual([
      1,
      1,
      id,
    ]);
    expect(await place.json(['job', 'retry', id, '--all', '--detach'])).toMatchObject({ retry_of: id });
  });

  test('watch --json: events, the last one the job', async () => {
    const { id } = await newestJob();
    await place.finished(id);
    const { stdout } = await place.ctl(['job', 'watch', id, '--json']);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(events.map(({ type }) => type)).toEqual(['target', 'target', 'job']);
  });
});

test('the engine is killed in the middle: the run goes on, and no line is missing', async () => {
  const again = new Place();
  try {
    let engine = await again.startEngine();
    const listen = ['--listen', await again.agentAddress()];
    await again.startDevice('web-1');
    const go = again.path('go');
    const script = `echo one; until test -e ${go}; do sleep 0.1; done; echo two; exit 3`;
    const run = again.start('borealisctl', ['run', 'web-1', '--', 'sh', '-c', script], {
      BOREALIS_SOCKET: again.socket,
    });
    await run.until(() => run.stdout === 'one\n', 'the first line');
    await engine.kill('SIGKILL');
    engine = await again.startEngine(listen);
    await run.until(() => run.stderr.includes('The engine is back.'), 'the engine is back');
    writeFileSync(go, '');
    const { code, stdout } = await run.finished;
    expect([code, stdout]).toEqual([1, 'one\ntwo\n']);
  } finally {
    await again.dispose();
  }
});

test('agents end when they are told', async () => {
  expect((await web.kill('SIGTERM')).code).toBe(0);
});
