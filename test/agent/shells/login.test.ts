/** Whose shell it is, and what it gets of the agent: a terminal, and nothing else. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { sessionMembers } from '../../../src/sys/processes.ts';
import { requires } from '../../require.ts';
import { temporary } from '../parts.ts';
import { type EngineEnd, PortLab } from '../port/engine-end.ts';

vi.setConfig({ testTimeout: 30_000 });

const USER = 'borealis-test-l';
const SECRET = 'hunter2-of-the-agent';
/** Each of them changes what a shell does, or is a way to something. */
const OURS = {
  BOREALIS_TOKEN: SECRET,
  SSH_AUTH_SOCK: `/tmp/${SECRET}`,
  NODE_OPTIONS: `--title=${SECRET}`,
  NODE_EXTRA_CA_CERTS: `/tmp/${SECRET}`,
  LD_LIBRARY_PATH: `/tmp/${SECRET}`,
  BASH_ENV: `/tmp/${SECRET}`,
  ENV: `/tmp/${SECRET}`,
  PROMPT_COMMAND: `echo ${SECRET}`,
  XDG_RUNTIME_DIR: `/tmp/${SECRET}`,
  NOTIFY_SOCKET: `/tmp/${SECRET}`,
};

let lab: PortLab;
let directory: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ directory, remove } = temporary());
  lab = new PortLab(join(directory, 'seen'));
  await lab.start();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await lab.close();
  await remove();
});

const stat = (pid: number, field: string) =>
  execFileSync('ps', ['-o', `${field}=`, '-p', `${pid}`])
    .toString()
    .trim();
/** What a shell says to a command, once it has ended. */
async function said(end: EngineEnd, command: string): Promise<string> {
  const from = end.text.length;
  end.type(`${command}; echo "e"n"d"\n`);
  await end.until(() => /\nend\r\n/.test(end.text.slice(from)), 'the end');
  // What an editor of lines says around it.
  return end.text.slice(from).replaceAll('\u001b[?2004l\r', '').replaceAll('\u001b[?2004h', '');
}
/** As it was started; none of a process that has ended. */
const variablesOf = (pid: number): string[] => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
  } catch {
    return []; // ENOENT, ESRCH
  }
};
/** What the processes of a session have open. */
const placesOf = (session: number): string[] => {
  const places = new Set<string>();
  for (const pid of sessionMembers(session))
    try {
      for (const name of readdirSync(`/proc/${pid}/fd`)) places.add(readlinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      // ENOENT: it has just ended.
    }
  return [...places];
};

describe('a shell', requires('root'), () => {
  const removeAccount = () => void spawnSync('userdel', ['-r', '-f', USER], { stdio: 'ignore' });
  beforeAll(() => {
    removeAccount(); // of a run that was killed
    execFileSync('useradd', ['-m', '-s', '/bin/bash', '-G', 'audio,video', USER]);
  });
  afterAll(removeAccount);

  test.each([null, USER])('of %s gets nothing of the agent’s environment', async (user) => {
    for (const [name, value] of Object.entries(OURS)) vi.stubEnv(name, value);
    const end = await lab.shell({ user });
    const { pid } = await end.frame('OPENED');
    expect(await said(end, 'env')).not.toContain(SECRET);
    for (const variables of [pid, ...sessionMembers(pid)].map(variablesOf)) {
      const names = variables.map((variable) => variable.split('=')[0]!);
      const own = ['PATH', 'TERM', 'LANG', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'MAIL'];
      // What PAM of the device gives to every login.
      const ofPam = names.filter((name) => /^(XDG_|DBUS_|LC_|LANGUAGE$)/.test(name));
      expect([...own, ...ofPam]).toEqual(expect.arrayContaining(names));
      expect(variables.join()).not.toContain(SECRET);
    }
    expect(await said(end, 'echo $TERM $LANG')).toContain('\nxterm-256color C.UTF-8\r\n');
  });

  test.each([null, USER])('of %s has no descriptor but its terminal', async (user) => {
    const secret = join(directory, 'secret');
    writeFileSync(secret, SECRET, { mode: 0o600 });
    const kept = openSync(secret, 'r');
    const other = await lab.shell();
    const end = await lab.shell({ user });
    const terminal = /\n(\/dev\/pts\/\d+)\r\n/.exec(await said(end, 'tty'))?.[1];
    const { pid } = await end.frame('OPENED');
    // What a prompt starts comes and goes, and has pipes of its own.
    await expect.poll(() => placesOf(pid)).toEqual([terminal]);
    expect(await said(other, 'tty')).not.toContain(`${terminal}\r\n`);
    closeSync(kept);
  });

  test('ignores no signal, blocks none, and makes files as a login does, whatever the agent does', async () => {
    const mask = process.umask(0o077);
    try {
      const end = await lab.shell({ user: USER });
      expect(await said(end, 'umask')).toMatch(/\n00[02]2\r\n/);
      const status = await said(end, 'cat /proc/self/status');
      expect(status).toMatch(/SigBlk:\s0+\r\n/);
      expect(status).toMatch(/SigIgn:\s0+\r\n/);
      expect(process.umask()).toBe(0o077);
    } finally {
      process.umask(mask);
    }
  });

  test('is that of the account that was asked for, with its groups, its home and its terminal', async () => {
    const end = await lab.shell({ user: USER });
    expect(end.frames[0]).toMatchObject({ type: 'OPENED', user: USER });
    const text = await said(
      end,
      'id; pwd; ls -l $(tty); shopt login_shell; echo "$HOME $USER $LOGNAME $SHELL"',
    );
    expect(text).toMatch(new RegExp(`uid=\\d+\\(${USER}\\)`));
    const groups = /groups=(\S+)/.exec(text)?.[1] ?? '';
    expect([...groups.matchAll(/\((.*?)\)/g)].map(([, name]) => name).sort()).toEqual([
      'audio',
      USER,
      'video',
    ]);
    expect(text).toContain(`\n/home/${USER}\r\n`);
    expect(text).toMatch(new RegExp(`crw\\S+ 1 ${USER}`));
    expect(text).toMatch(/login_shell\s+on/);
    expect(text).toContain(`\n/home/${USER} ${USER} ${USER} /bin/bash\r\n`);
    // It has given up what the agent may do, for good.
    expect(await said(end, 'grep -Ec "Cap(Inh|Prm|Eff):\\s*0*[1-9a-f]" /proc/self/status')).toContain(
      '\n0\r\n',
    );
    expect(await said(end, 'cat /etc/shadow')).toContain('Permission denied');
  });

  test('of an account that is root’s own is root’s', async () => {
    const end = await lab.shell({ user: null });
    const { pid, user } = await end.frame('OPENED');
    expect(user).toBe(userInfo().username);
    expect(stat(pid, 'user')).toBe('root');
    expect(await said(end, 'pwd; shopt login_shell')).toMatch(/\n\/root\r\n(.|\n)*login_shell\s+on/);
  });

  test('of an account that is not there, has no login shell, a missing one, or has expired, is refused', async () => {
    const refused = async (user: string, why: RegExp) => {
      const end = await lab.open({
        purpose: 'shell',
        shell_id: 'shell-of-nobody',
        user,
        size: { cols: 80, rows: 24 },
        term: 'xterm',
        record_input: false,
      });
      expect(await end.refusal()).toBe('UNKNOWN_USER');
      expect(end.frames[0]).toMatchObject({ message: expect.stringMatching(why) });
      expect(lab.shells.list()).toEqual([]);
    };
    await refused('no-such-user', /no account/);
    await refused(`${USER}x`, /no account/);
    await refused('nobody', /no login shell/);
    await refused('daemon', /no login shell/);
    execFileSync('usermod', ['-e', '2001-01-01', USER]);
    await refused(USER, /expired/);
    execFileSync('usermod', ['-e', '', '-s', '/no/such/shell', USER], { stdio: 'ignore' });
    // An account's entry is remembered for a moment.
    const { forgetAccounts } = await import('../../../src/sys/accounts.ts');
    forgetAccounts();
    await refused(USER, /missing/);
    execFileSync('usermod', ['-s', '/bin/bash', USER]);
    forgetAccounts();
  });

  test('of another account is none that an agent could give that is not root', () => {
    const login = join(import.meta.dirname, '../../../src/agent/shells/login.ts');
    const asked = (user: string | null) =>
      `loginProgram({ user: ${JSON.stringify(user)}, term: 'xterm', lang: 'C', nowMs: 0 })`;
    const program = `process.setgid('${USER}'); process.setgroups([]); process.setuid('${USER}');
      const own = await ${asked(null)};
      const others = await Promise.allSettled([${asked('root')}, ${asked('www-data')}]);
      console.log(JSON.stringify([own, ...others.map(({ reason }) => reason.code)]));`;
    const source = `const { loginProgram } = await import(${JSON.stringify(login)}); ${program}`;
    const out = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', source], {
      env: { BOREALIS_TOKEN: SECRET, HOME: '/root', PATH: '/bin' },
      encoding: 'utf8',
    });
    const [own, ...others] = JSON.parse(out) as [Record<string, unknown>, ...string[]];
    expect(others).toEqual(['UNKNOWN_USER', 'UNKNOWN_USER']);
    expect(own).toMatchObject({ user: USER, file: '/bin/bash', args: ['-l'], cwd: `/home/${USER}` });
    expect(own.env).toEqual({
      PATH: '/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games',
      TERM: 'xterm',
      LANG: 'C.UTF-8',
      HOME: `/home/${USER}`,
      USER,
      LOGNAME: USER,
      SHELL: '/bin/bash',
    });
  });
});
