import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { groupName, lookupGroup, lookupUser, userName } from '../../src/sys/accounts.ts';
import { requires } from '../require.ts';

describe('accounts', requires('linux'), () => {
  test('root is 0', () => {
    expect(userName(0)).toBe('root');
    expect(groupName(0)).toBe('root');
    expect(lookupUser('root')).toMatchObject({ name: 'root', uid: 0, gid: 0, home: '/root' });
    expect(lookupGroup('root')).toMatchObject({ name: 'root', gid: 0 });
  });

  test('every user of /etc/passwd is found by name and by number', () => {
    const first = new Map<string, string>();
    for (const line of readFileSync('/etc/passwd', 'utf8').trim().split('\n')) {
      const [name = '', , uid = '', gid, , home, shell] = line.split(':');
      if (!first.has(uid)) first.set(uid, name);
      expect(lookupUser(name)).toEqual({ name, uid: Number(uid), gid: Number(gid), home, shell });
    }
    for (const [uid, name] of first) expect(userName(Number(uid))).toBe(name);
  });

  test('nobody is null, whatever the name', () => {
    expect(userName(3_999_999_999)).toBeNull();
    expect(groupName(3_999_999_999)).toBeNull();
    for (const name of ['', 'no-such-user', 'root\0x', 'root:x', '0', 'x'.repeat(10_000), '☃']) {
      expect(lookupUser(name)).toBeNull();
      expect(lookupGroup(name)).toBeNull();
    }
  });
});

test(
  'a group with more members than the first guess holds is read whole',
  requires('root', 'namespaces'),
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'borealis-group-'));
    try {
      const members = Array.from({ length: 5_000 }, (_, index) => `member-number-${index}`);
      writeFileSync(join(folder, 'group'), `root:x:0:\nmany:x:54321:${members.join(',')}\n`);
      const module = join(import.meta.dirname, '../../src/sys/accounts.ts');
      const script = `import { lookupGroup } from ${JSON.stringify(module)}; console.log(JSON.stringify(lookupGroup('many')));`;
      const seen = spawnSync(
        'unshare',
        [
          '--mount',
          'sh',
          '-c',
          'mount --bind "$0" /etc/group && exec "$@"',
          join(folder, 'group'),
          process.execPath,
          '--input-type=module',
          '--eval',
          script,
        ],
        { encoding: 'utf8', timeout: 30_000 },
      );
      expect(seen.stderr).toBe('');
      expect(JSON.parse(seen.stdout)).toEqual({ name: 'many', gid: 54_321, members });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
