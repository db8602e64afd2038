import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SHELL_KEPT_BYTES, SHELL_WINDOW_BYTES } from '../../../src/protocol/agent-port.ts';
import { sessionMembers } from '../../../src/sys/processes.ts';
import { requires } from '../../require.ts';
import { temporary } from '../parts.ts';
import { type EngineEnd, PortLab, shellsOfAnAccount } from '../port/engine-end.ts';
import { emptyTerminal, stateOf, write } from './screen-compare.ts';

vi.setConfig({ testTimeout: 30_000 });
shellsOfAnAccount();

let lab: PortLab;
let remove: () => Promise<void>;

beforeEach(async () => {
  const place = temporary();
  remove = place.remove;
  lab = new PortLab(join(place.directory, 'seen'));
  await lab.start();
});
afterEach(async () => {
  await lab.close();
  await remove();
});

/** A shell whose prompt says when it waits; profile, history and an editor of lines have no part in it. */
const PLAIN =
  "exec env -i PATH=$PATH TERM=$TERM LANG=$LANG HOME=/tmp PS1='%% ' bash --norc --noprofile --noediting\n";
async function plainShell(change: Record<string, unknown> = {}) {
  const end = await lab.shell(change, PLAIN);
  await end.shows(/%% $/);
  return end;
}

describe('a shell', () => {
  test('prints, takes what is typed, and ends with its exit code after all output', async () => {
    const end = await lab.shell({}, 'printf "%s-%s\\n" one two; exit 7\n');
    const exit = await end.frame('EXIT');
    expect(end.text).toContain('one-two\r\n');
    expect(exit).toMatchObject({ exit_code: 7, signal: null, offset: end.offset });
    end.socket.end();
    await end.closed;
    expect(lab.shells.list()).toEqual([]);
  });

  test('keeps UTF-8 whole that comes in parts', async () => {
    const end = await plainShell();
    end.type("printf '\\xe6\\xbc'; sleep 0.05; printf '\\xa2'; sleep 0.05; printf '\\xe5\\xad\\x97!\\n'\n");
    await end.shows('漢字!');
    const { data } = await end.screen();
    expect(data).toContain('漢字!');
  });

  test('goes on after its connection, and loses and doubles nothing from the offset on', async () => {
    const first = await plainShell();
    first.type('for i in $(seq 1 20000); do echo "line $i"; done; echo over\n');
    await first.shows('line 3000');
    first.socket.destroy();
    await first.closed;
    const got = first.output;
    const second = await lab.attach(first.shellId, got.length);
    const opened = await second.frame('OPENED');
    expect(opened.offset).toBe(got.length);
    await second.shows(/over\r\n%% $/);
    const text = Buffer.concat([got, second.output]).toString();
    const lines = text.match(/^line \d+/gm);
    expect(lines).toEqual(Array.from({ length: 20_000 }, (_, index) => `line ${index + 1}`));
  });

  test('waits for an engine that does not acknowledge, and loses nothing', async () => {
    const end = await plainShell();
    end.acknowledges = false;
    end.ack();
    const before = end.offset;
    end.type('yes | head -c 2000000; echo; echo over\n');
    await end.until(() => end.offset - before >= SHELL_WINDOW_BYTES, 'a full window');
    const { offset } = lab.shells.list()[0]!;
    expect(end.offset - before).toBe(SHELL_WINDOW_BYTES);
    expect(offset - before).toBeLessThan(SHELL_KEPT_BYTES);
    end.acknowledges = true;
    end.ack();
    await end.shows(/over\r\n%% $/);
    expect(end.text.match(/y\r\n/g)).toHaveLength(1_000_000);
  });

  test('is not held up while nobody is connected; the newest is kept, and the attach says where it begins', async () => {
    const first = await plainShell();
    const { offset: before } = first;
    first.type('yes | head -c 3000000; echo; echo over\n');
    first.socket.destroy();
    await expect
      .poll(() => lab.shells.list()[0]!.offset, { timeout: 20_000 })
      .toBeGreaterThan(before + 4_500_000);
    const second = await lab.attach(first.shellId, before);
    const { offset } = await second.frame('OPENED');
    expect(offset).toBeGreaterThan(before + 3_000_000);
    await second.shows(/over\r\n%% $/);
    expect(second.output.length).toBe(lab.shells.list()[0]!.offset - offset);
    expect(second.output.length).toBe(SHELL_KEPT_BYTES);
  });

  test('is served on the newest connection only', async () => {
    const first = await plainShell();
    const second = await lab.attach(first.shellId, first.offset);
    await second.frame('OPENED');
    await first.closed;
    second.type('echo still-here\n');
    await second.shows('\r\nstill-here');
  });

  test('refuses an offset that it never reached, and a shell that is not there', async () => {
    const first = await plainShell();
    const wrong = await lab.attach(first.shellId, first.offset + 1);
    await wrong.until(() => wrong.frames.length > 0, 'an answer');
    expect(wrong.frames[0]).toMatchObject({ type: 'REFUSED', code: 'VALIDATION_FAILED' });
    const missing = await lab.attach('nonexistent', 0);
    await missing.until(() => missing.frames.length > 0, 'an answer');
    expect(missing.frames[0]).toMatchObject({ type: 'REFUSED', code: 'SHELL_NOT_FOUND' });
  });

  test('that ended while nobody was connected tells its last output and its end', async () => {
    const first = await plainShell();
    first.type('(sleep 0.2; echo late; kill -9 $$) &\n');
    await first.shows(/%% $/);
    first.socket.destroy();
    await expect.poll(() => lab.shells.list()[0]?.exited).toBeTruthy();
    const second = await lab.attach(first.shellId, first.offset);
    const exit = await second.frame('EXIT');
    expect(second.text).toContain('late\r\n');
    expect(exit).toMatchObject({ offset: second.offset });
    second.socket.end();
    await second.closed;
    await expect.poll(() => lab.shells.list()).toEqual([]);
  });

  test('changes its size in its place in the output', async () => {
    const end = await plainShell();
    end.type('stty size\n');
    await end.shows('24 80\r\n');
    end.resize(100, 30);
    const resized = await end.frame('RESIZED');
    expect(resized).toMatchObject({ cols: 100, rows: 30 });
    end.type('stty size\n');
    await end.shows('30 100\r\n');
    expect(end.text.indexOf('30 100')).toBeGreaterThanOrEqual(resized.offset);
    const { cols, rows } = await end.screen();
    expect([cols, rows]).toEqual([100, 30]);
    const late = await lab.attach(end.shellId, 0);
    expect(await late.frame('OPENED')).toMatchObject({ cols: 100, rows: 30 });
  });

  test('is ended with all of its session, whatever that ignores and starts meanwhile', async () => {
    const end = await plainShell();
    end.type("(trap '' HUP TERM; sleep 1000) & echo job $!\n");
    await end.shows(/\njob \d+\r\n%% $/);
    end.type("(trap '' HUP TERM; while :; do sleep 0.01 & wait; done) 2>/dev/null & echo 'spawns'\n");
    await end.shows('\nspawns');
    const { pid } = await end.frame('OPENED');
    expect(sessionMembers(pid)).toContain(Number(/\njob (\d+)\r\n/.exec(end.text)?.[1]));
    end.kill('SIGKILL');
    const exit = await end.frame('EXIT');
    expect(exit).toMatchObject({ signal: 'SIGKILL' });
    // Killed they are; the kernel takes a moment to be rid of the last.
    await expect.poll(() => sessionMembers(pid)).toEqual([]);
  });

  test('leaves alone what took a session of its own: a service that was started from it goes on', async () => {
    const end = await plainShell();
    end.type("setsid sh -c 'echo service $$; exec sleep 1000' &\n");
    await end.shows(/service \d+\r\n/);
    const service = Number(/service (\d+)\r\n/.exec(end.text)?.[1]);
    end.kill('SIGKILL');
    await end.frame('EXIT');
    expect(isRunning(service)).toBe(true);
    process.kill(service, 'SIGKILL');
  });

  test('gets no more than the limit of shells', async () => {
    const small = temporary();
    const few = new PortLab(join(small.directory, 'seen'), {}, { runningMax: 1 });
    await few.start();
    const first = await few.shell();
    await expect(few.shell()).rejects.toThrow('SHELLS_USED_UP');
    expect(first.socket.destroyed).toBe(false);
    await few.close();
    await small.remove();
  });

  test('ends when the agent stops', async () => {
    const end = await plainShell();
    const { pid } = await end.frame('OPENED');
    await lab.shells.close();
    expect(isRunning(pid)).toBe(false);
    expect((await end.frame('EXIT')).offset).toBe(end.offset);
  });

  test('is listed', async () => {
    const end = await plainShell();
    const list = await lab.open({ purpose: 'list' });
    expect(await list.frame('SHELLS')).toEqual({
      type: 'SHELLS',
      shells: [{ shell_id: end.shellId, offset: end.offset, exited: null }],
    });
    await list.closed;
  });
});

describe('what is typed', () => {
  test('is told while the terminal echoes it, and never while it does not', async () => {
    const end = await plainShell({ record_input: true });
    end.type('stty -echo; printf "Pass%s" word:; read x; stty echo; echo o""k\n');
    await end.shows('Password:');
    end.type('correct horse\n');
    // Typed before the prompt, it would be echoed before the prompt as well.
    await end.shows(/ok\r\n%% $/);
    end.type('echo visible\n');
    await end.shows('\r\nvisible');
    expect(typedOn(end)).toContain('echo visible\n');
    expect(typedOn(end)).not.toContain('correct horse');
  });

  const typedOn = (end: EngineEnd): string =>
    Buffer.concat(end.frames.filter((frame) => frame.type === 'TYPED').map(({ bytes }) => bytes)).toString();

  test.each<[string, string, string]>([
    ['reads silently', "read -rsp 'Pass''word:' x; echo o''k\n", 'correct horse\n'],
    [
      'shows stars',
      "stty -echo -icanon; printf 'Pass''word:'; head -c 14 >/dev/null; stty echo icanon; echo o''k\n",
      'correct horse\n',
    ],
    [
      'edits lines itself',
      "PS1='Pass''word:' bash --norc --noprofile; echo o''k\n",
      ': correct horse; exit\n',
    ],
  ])('is not told to a program that %s', async (_, program, secret) => {
    const end = await plainShell({ record_input: true });
    end.type(program);
    await end.shows('Password:');
    end.type(secret);
    await end.shows('ok\r\n');
    end.type('echo vis""ible\n');
    await end.shows('visible\r\n');
    expect(typedOn(end)).toContain('echo vis""ible\n');
    expect(typedOn(end)).not.toMatch(/correct|horse/);
  });

  test('is not told unless that was asked for', async () => {
    const end = await plainShell();
    end.type('echo visible\n');
    await end.shows('\r\nvisible');
    expect(end.frames.some(({ type }) => type === 'TYPED')).toBe(false);
  });

  test('waits for a program that does not read', async () => {
    const end = await plainShell();
    // Raw: a terminal that edits lines takes no longer ones than 4,095 bytes.
    end.type('stty raw -echo; echo r""aw; sleep 0.5; head -c 300000 | md5sum; stty sane\n');
    await end.shows(/\nraw/);
    const text = 'x'.repeat(299_999);
    end.type(`${text}\n`);
    const sum = execFileSync('md5sum', { input: `${text}\n` })
      .toString()
      .slice(0, 32);
    await end.shows(sum);
  });
});

describe('the screen of', () => {
  const programs: [name: string, needs: string, start: string, ready: RegExp][] = [
    [
      'vim',
      'vim',
      'vim -u NONE -i NONE -N -c "set number ruler hlsearch mouse=a" /etc/services\n',
      /\[New|1,1/,
    ],
    ['htop', 'htop', 'htop -d 50\n', /F10/],
    ['tmux', 'tmux', `tmux -L borealis-d-${process.pid} -f /dev/null new-session\n`, /\[0\]/],
    ['a shell with colours', 'bash', "printf '\\e[1;31mred\\e[0m \\e[4:3mcurl\\e[m'; seq 1 100\n", /100\r\n/],
  ];
  for (const [name, needs, start, ready] of programs)
    test(name, requires(needs), async () => {
      const end = await plainShell({ size: { cols: 90, rows: 28 } });
      end.type(start);
      await end.shows(ready);
      const { data, offset, heard } = await end.screen();
      // In its place: everything before it has come, and nothing after it.
      expect(heard).toBe(offset);
      end.type(name === 'vim' ? '30GVjj:set list\r/tcp\r' : name === 'tmux' ? '\u0002"ls /\r' : '\u001b[B');
      const more = end.offset;
      await end.until(() => end.offset > more, 'more output');
      const live = emptyTerminal(90, 28);
      const restored = emptyTerminal(90, 28);
      const { output } = end;
      write(live, output);
      write(restored, data);
      write(restored, output.subarray(offset));
      expect(stateOf(restored)).toEqual(stateOf(live));
      end.kill('SIGKILL');
      await end.frame('EXIT');
    });

  test('a large and colourful terminal, in several frames', async () => {
    const end = await plainShell({ size: { cols: 400, rows: 150 } });
    end.type(
      'awk \'BEGIN{for(i=0;i<59000;i++)printf "\\033[38;2;%d;%d;%dm%c",i%256,i%251,i%241,65+i%26; print "over"}\'\n',
    );
    await end.shows(/over\r\n/);
    const { data, offset } = await end.screen();
    expect(end.frames.filter(({ type }) => type === 'SCREEN').length).toBeGreaterThan(1);
    const live = emptyTerminal(400, 150);
    const restored = emptyTerminal(400, 150);
    write(live, end.output.subarray(0, offset));
    write(restored, data);
    expect(stateOf(restored)).toEqual(stateOf(live));
  });
});

/** One that has ended and that nobody has waited for yet does not run: not every machine's first process is quick. */
const isRunning = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false; // ENOENT: it is gone
  }
};
