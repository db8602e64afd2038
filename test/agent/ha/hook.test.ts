/** The driver `hook`: real executables as the hook, beside an address that is kept in memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { groupRuns, isAlive } from '../../../src/sys/processes.ts';
import { requires } from '../../require.ts';
import { type Node, Pair } from './pair.ts';

/** Each run says a line: what it was asked, when it had begun; another when it ends well. */
const WELL = `echo "begun $*" >>"$0.log"; echo "done $1" >>"$0.log"`;

describe('a pair whose address a hook moves', requires('linux'), () => {
  let pair: Pair;
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'borealis-hook-'));
    pair = new Pair();
    pair.north.hook = write('north', WELL);
    pair.south.hook = write('south', WELL);
  });
  afterEach(async () => {
    await pair.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const write = (name: string, script: string, mode = 0o755): string => {
    const path = join(directory, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, mode); // whatever the umask
    return path;
  };
  const log = (node: Node): string[] => {
    const file = `${node.hook}.log`;
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  };
  const has = (node: Node) =>
    vi.waitFor(() => expect(node.duty.isHolder).toBe(true), { timeout: 15_000, interval: 5 });
  const failed = (node: Node, why: RegExp) =>
    vi.waitFor(
      () => {
        expect(node.duty.failure?.message).toMatch(why);
        expect(node.duty.state.role).toBe('failed');
      },
      { timeout: 20_000, interval: 5 },
    );

  test('attaches it, and says that it has it when that is done; detaches it when it is given away', async () => {
    const { north, south } = pair;
    north.hook = write('north', `env >"$0.env"; ${WELL}`);
    pair.begin();
    await has(north);
    expect(log(north)).toEqual(['begun attach 192.0.2.10/24 eth0', 'done attach']);
    await vi.waitFor(() => north.duty.give('planned'), { timeout: 5_000 });
    await has(south);
    expect(log(south)).toEqual(['begun attach 192.0.2.10/24 eth0', 'done attach']);
    await vi.waitFor(() =>
      expect(log(north).slice(2)).toEqual(['begun detach 192.0.2.10/24 eth0', 'done detach']),
    );
    await south.duty.close();
    expect(log(south).at(-1)).toBe('done detach');
    // Nothing of the agent's: no secret can be there.
    const names = readFileSync(`${north.hook}.env`, 'utf8').match(/^\w+(?==)/gm);
    const own = ['BOREALIS_NODE', 'BOREALIS_OTHER', 'BOREALIS_VPN', 'HOME', 'LC_ALL', 'PATH'];
    // PWD, _ and the like are the shell's.
    expect(new Set(names)).toEqual(new Set([...own, 'PWD', ...(names?.filter((one) => one === '_') ?? [])]));
  });

  test('ends with the agent, with all that it started, though that is killed', async () => {
    const hook = write('slow', 'sleep 600 & sleep 600');
    const source = fileURLToPath(new URL('../../../src/agent/ha/hook-run.ts', import.meta.url));
    const call = { path: hook, action: 'attach', address: '192.0.2.10/24', interfaceName: 'eth0', facts: {} };
    const program = `
      import { runHook } from ${JSON.stringify(source)};
      await runHook(${JSON.stringify(call)}, ({ pid }) => console.log(pid));
    `;
    const agent = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const group = Number(String((await once(agent.stdout, 'data'))[0]));
    try {
      expect(groupRuns(group)).toBe(true);
      agent.kill('SIGKILL');
      await vi.waitFor(() => expect(groupRuns(group)).toBe(false), { timeout: 20_000, interval: 20 });
    } finally {
      agent.kill('SIGKILL');
      if (groupRuns(group)) process.kill(-group, 'SIGKILL');
    }
  });

  test('that fails gives it to the other node, and tells why, without what acts on a terminal', async () => {
    const { north, south } = pair;
    north.hook = write('north', `echo attached elsewhere; printf 'no \\033[31mquota\\n' >&2; exit 3`);
    pair.begin();
    await failed(north, /north attach ended with exit code 3: no \[31mquota$/);
    await has(south);
    expect(north.address.isHere()).toBe(false);
    expect(pair.holders).toEqual([south]);
    expect(north.history).toEqual([]);
  });

  test('that says very much is heard to its end, and quoted a little', async () => {
    const { north, south } = pair;
    north.hook = write(
      'north',
      `head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' y >&2; echo why >&2; exit 1`,
    );
    pair.begin();
    await failed(north, /why$/);
    expect(north.duty.failure!.message.length).toBeLessThan(800);
    await has(south);
  });

  test('that hangs is ended with all that it started, and the other node has it', async () => {
    const { north, south } = pair;
    north.hook = write(
      'north',
      `[ "$1" = attach ] || exit 0; trap '' TERM; sleep 1000 & echo $! $$ >"$0.pids"; while :; do wait; done`,
    );
    pair.begin();
    await failed(north, /did not end within 10 s/);
    await has(south);
    const pids = readFileSync(`${north.hook}.pids`, 'utf8').trim().split(' ').map(Number);
    expect(pids).toHaveLength(2);
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 5_000 });
  });

  test('is ended early where the lease has gone meanwhile: late, it would take it from the other node', async () => {
    const { north, south } = pair;
    north.hook = write('north', `echo "begun $1" >>"$0.log"; [ "$1" = detach ] || exec sleep 1000`);
    pair.begin();
    await vi.waitFor(() => expect(log(north)).toEqual(['begun attach']), { timeout: 5_000 });
    north.line.cut = true;
    south.line.cut = true;
    north.toEngine = false;
    await vi.waitFor(() => expect(log(north)).toEqual(['begun attach', 'begun detach']), { timeout: 8_000 });
    expect(north.duty.isHolder).toBe(false);
    expect(north.duty.failure).toBeNull();
    await has(south);
  });

  test.each<[string, RegExp, () => string]>([
    ['is missing', /is missing/, () => join(directory, 'nowhere')],
    ['is no absolute path', /no absolute path/, () => 'hooks/north'],
    ['is a folder', /is no file/, () => directory],
    ['is not executable', /not executable/, () => write('north', WELL, 0o644)],
    ['may be written by everybody', /changed by everybody/, () => write('north', WELL, 0o757)],
    [
      'lies where everybody may put another',
      /Everybody may replace/,
      () => {
        mkdirSync(join(directory, 'open'));
        chmodSync(join(directory, 'open'), 0o777);
        return write('open/north', WELL);
      },
    ],
    [
      'has no interpreter',
      /cannot be started/,
      () => {
        const path = write('north', '');
        writeFileSync(path, '#!/nowhere/sh\n');
        return path;
      },
    ],
  ])('that %s is not run, and the other node has it', async (_, why, path) => {
    const { north, south } = pair;
    north.hook = path();
    pair.begin();
    await failed(north, why);
    await has(south);
    expect(pair.holders).toEqual([south]);
  });

  test(
    'that lies in a folder of somebody else is not run: they could put another in its place',
    requires('root'),
    async () => {
      const { north, south } = pair;
      mkdirSync(join(directory, 'theirs'), 0o755);
      north.hook = write('theirs/north', WELL);
      chownSync(join(directory, 'theirs'), 65_534, 65_534);
      pair.begin();
      await failed(north, /User 65534 may replace/);
      await has(south);
    },
  );

  test('that a link leads to is run itself, not whatever the link leads to then', async () => {
    const { north } = pair;
    const real = write('north', WELL);
    north.hook = join(directory, 'link');
    symlinkSync(real, north.hook);
    pair.begin();
    await has(north);
    expect(readFileSync(`${real}.log`, 'utf8')).toContain('done attach');
    expect(existsSync(`${north.hook}.log`)).toBe(false);
  });

  test('is looked at each time: what was right may be changed later', async () => {
    const { north, south } = pair;
    pair.begin();
    await has(north);
    chmodSync(south.hook!, 0o644);
    await vi.waitFor(() => north.duty.give('planned'), { timeout: 5_000 });
    await failed(south, /not executable/);
    // Its rest is over before the other one's is.
    await has(north);
  });
});
