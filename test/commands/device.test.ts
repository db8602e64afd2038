/** What operators do with devices, approvals and users, through the real program, with real agents. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Approval } from '../../src/protocol/approval.ts';
import type { Device } from '../../src/protocol/device.ts';
import { Place, type Process } from '../lab/processes.ts';
import { Terminal } from '../lab/terminal.ts';

const place = new Place();
const terminals: Terminal[] = [];
afterAll(async () => {
  for (const one of terminals) one.kill();
  await place.dispose();
});
beforeAll(async () => {
  await place.startEngine();
  await place.startDevice('web-1');
  await place.startDevice('web-2');
  await place.startDevice('db-1');
}, 60_000);

const terminal = (args: string[], columns = 100): Terminal => {
  const made = new Terminal({ args, columns, env: { BOREALIS_SOCKET: place.socket } });
  terminals.push(made);
  return made;
};
const device = (name: string): Promise<Device> => place.client.call('device.show', { device: name });

describe('naming devices', () => {
  test('a prefix that only one has will do, of the name and of the GUID', async () => {
    const { guid } = await device('db-1');
    expect(await place.json(['device', 'show', 'db'])).toMatchObject({ name: 'db-1' });
    expect(await place.json(['device', 'show', guid.slice(0, 13)])).toMatchObject({ name: 'db-1' });
  });

  test('an ambiguous one is answered with those it could mean: 7', async () => {
    const { code, stderr } = await place.ctl(['device', 'show', 'web']);
    expect([code, stderr]).toEqual([7, expect.stringMatching(/web-1 .*web-2/)]);
  });

  test('a wrong one with the nearest: 3', async () => {
    const { code, stderr } = await place.ctl(['device', 'show', 'wbe-1']);
    expect([code, stderr]).toEqual([3, expect.stringContaining('web-1')]);
  });
});

describe('show', () => {
  test('a card: state, agents, what it is made of; --json the device alone', async () => {
    await place.event('device.inventory', ({ device }) => device === 'web-1');
    const { stdout } = await place.ctl(['device', 'show', 'web-1']);
    expect(stdout).toMatch(/^Name +web-1$/m);
    expect(stdout).toMatch(/^State +online$/m);
    expect(stdout).toMatch(/^Agent \(system\) +online; its certificate expires \d{4}-/m);
    expect(stdout).toMatch(/^Processor +.+\(\d+ cores?\)$/m);
    expect(Object.keys(await place.json<Device>(['device', 'show', 'web-1']))).not.toContain('inventory');
  });

  test('inventory: disks, interfaces and interpreters', async () => {
    const { stdout } = await place.ctl(['device', 'inventory', 'web-1']);
    for (const title of ['Kernel', 'DISK', 'INTERFACE', 'RUNS SCRIPTS IN']) expect(stdout).toContain(title);
  });
});

describe('tag', () => {
  test('sets, removes, and sets the site, of several at once', async () => {
    await place.ctl(['device', 'tag', 'web-1', 'web-2', 'env=prod', 'old=1', '--site', 'berlin']);
    const { code, stdout } = await place.ctl(['device', 'tag', '--tag', 'env=prod', 'tier=1', 'old-']);
    expect([code, stdout]).toEqual([0, 'web-1: tier=1, old removed\nweb-2: tier=1, old removed\n']);
    expect(await device('web-2')).toMatchObject({ tags: { env: 'prod', tier: '1' }, site: 'berlin' });
    expect(await place.json(['device', 'tag', 'web-2', '--no-site'])).toMatchObject({ site: null });
  });

  test.each([[['web-1']], [['web-1', 'env=']], [['web-1', '=x']], [['env=prod', 'web-1']], [['env=prod']]])(
    '%j is no way to tag: 2, and nothing changes',
    async (words) => {
      const before = await device('web-1');
      expect((await place.ctl(['device', 'tag', ...words])).code).toBe(2);
      expect((await device('web-1')).tags).toEqual(before.tags);
    },
  );

  test('an unknown device among them: 3, and none is changed', async () => {
    expect((await place.ctl(['device', 'tag', 'web-1', 'nosuch', 'x=y'])).code).toBe(3);
    expect((await device('web-1')).tags).not.toHaveProperty('x');
  });
});

describe('quarantine and release', () => {
  test('several by tag, when that is confirmed; those that cannot be are left out', async () => {
    const args = ['device', 'quarantine', '--tag', 'env=prod'];
    const unasked = await place.ctl(args);
    expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining('web-1 and web-2')]);
    const asked = terminal(args);
    await asked.until(/these 2 devices \(web-1 and web-2\).*\[y\/N\]/s);
    asked.type('y\r');
    expect(await asked.ended).toBe(0);
    expect((await device('web-2')).state).toBe('quarantined');
    expect((await place.ctl(['run', 'web-1', '--', 'true'])).code).toBe(4);
    const outcome = await place.json<object[]>(['device', 'release', '--all']);
    expect(outcome).toMatchObject([
      { device: 'web-1', error: null },
      { device: 'web-2', error: null },
    ]);
    expect((await place.ctl(['device', 'release', '--all'])).code).toBe(3);
  });

  test('some of several fail: 8, each with its error', async () => {
    await place.ctl(['device', 'quarantine', 'web-2']);
    const { code, stdout } = await place.ctl(['device', 'quarantine', 'db-1', 'web-2', '--yes', '--json']);
    expect(code).toBe(8);
    expect(JSON.parse(stdout)).toMatchObject([
      { device: 'db-1', error: null },
      { device: 'web-2', error: { code: 'DEVICE_STATE_CONFLICT' } },
    ]);
  });
});

describe('approvals', () => {
  let enrolment: Process;
  let waiting: Approval;

  test('the list names the waiting one and the next step; the card what to compare', async () => {
    const { link } = await place.code();
    enrolment = place.agent('twin', ['enroll', '-'], { BOREALIS_AGENT_FINGERPRINT: 'web-1' }, `${link}\n`);
    await enrolment.until(() => enrolment.stderr.includes('Key fingerprint'), 'it asks');
    const list = await place.ctl(['approval', 'list']);
    expect(list.stderr).toContain('borealisctl approval show');
    [waiting] = (await place.json<Approval[]>(['approval', 'list'])) as [Approval];
    const { stdout, stderr } = await place.ctl(['approval', 'show', waiting.id.slice(0, 6)]);
    const told = /Key fingerprint, to compare: (\S+)/.exec(enrolment.stderr)?.[1];
    expect(stdout).toMatch(new RegExp(`^Key +${told}$`, 'm'));
    expect(stdout).toMatch(/^Clashes with +web-1, which has the same machine fingerprint$/m);
    for (const way of ['--merge web-1', '--overwrite web-1', 'approval deny']) expect(stderr).toContain(way);
  });

  test('a clash is not approved by accident: 7, with the ways out', async () => {
    const { code, stderr } = await place.ctl(['approval', 'approve', waiting.id]);
    expect([code, stderr]).toEqual([7, expect.stringContaining(`${waiting.id} --merge web-1`)]);
    const both = ['approval', 'approve', waiting.id, '--merge', 'web-1', '--overwrite', 'web-1'];
    expect((await place.ctl(both)).code).toBe(2);
  });

  test('merge keeps the GUID', async () => {
    const { guid } = await device('web-1');
    const { code, stdout } = await place.ctl(['approval', 'approve', waiting.id, '--merge', 'web-1']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/as web-1\.\n$/)]);
    expect((await enrolment.finished).stdout).toContain(guid);
    expect((await place.ctl(['approval', 'deny', waiting.id])).code).toBe(7);
  });

  test('deny: the agent is told, and ends', async () => {
    const { id, link } = await place.code();
    const refused = place.agent(
      'stranger',
      ['enroll', '-'],
      { BOREALIS_AGENT_FINGERPRINT: 's' },
      `${link}\n`,
    );
    const { data } = await place.event('approval.requested', (event) => event.data.code === id);
    const denied = await place.ctl(['approval', 'deny', String(data.id), '--reason', 'not ours']);
    expect(denied.code).toBe(0);
    expect((await refused.finished).code).not.toBe(0);
    const all = await place.json<Approval[]>(['approval', 'list', '--all']);
    expect(all.map(({ state }) => state).sort()).toEqual([
      'completed',
      'completed',
      'completed',
      'completed',
      'denied',
    ]);
  });
});

describe('revoke and remove', () => {
  test('are asked for by name in a terminal; no changes nothing', async () => {
    const asked = terminal(['device', 'revoke', 'db-1']);
    await asked.until(/This revokes db-1.*\[y\/N\]/s);
    asked.type('n\r');
    expect(await asked.ended).toBe(1);
    expect((await device('db-1')).state).not.toBe('revoked');
  });

  test('revoke keeps it in the list, remove does not', async () => {
    expect(await place.json(['device', 'revoke', 'db-1', '--reason', 'stolen'])).toMatchObject({
      state: 'revoked',
    });
    expect((await place.ctl(['device', 'revoke', 'db-1'])).code).toBe(7);
    expect(await place.json(['device', 'remove', 'db-1'])).toMatchObject({ device: 'db-1' });
    expect((await place.ctl(['device', 'show', 'db-1'])).code).toBe(3);
  });

  test('several at once need --yes where nobody can be asked', async () => {
    expect((await place.ctl(['device', 'remove', '--all'])).code).toBe(2);
    expect((await place.client.all('device.list', {})).length).toBe(2);
    expect((await place.ctl(['device', 'remove', '--all', '--yes'])).code).toBe(0);
    expect(await place.client.all('device.list', {})).toEqual([]);
  });
});

describe('users', () => {
  test('grant, list, revoke; who is unknown is refused', async () => {
    const granted = await place.ctl(['user', 'grant', 'nobody', 'viewer']);
    expect(granted.stdout).toBe('nobody is viewer now.\n');
    expect(granted.stderr, 'no group gets to the socket').toContain('config set socket_group GROUP');
    expect((await place.ctl(['user', 'list'])).stdout).toMatch(/^nobody +viewer/m);
    expect((await place.ctl(['user', 'grant', 'nobody', 'king'])).code).toBe(2);
    expect((await place.ctl(['user', 'grant', 'no-such-user-here', 'viewer'])).code).toBe(2);
    expect((await place.ctl(['user', 'revoke', 'nobody'])).code).toBe(0);
    expect((await place.ctl(['user', 'revoke', 'nobody'])).code).toBe(3);
  });
});

test('in a narrow terminal no line is broken', async () => {
  const list = terminal(['audit', 'list'], 80);
  expect(await list.ended).toBe(0);
  const rows = list.text.split('\n').filter((line) => /^ *\d+ /.test(line));
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) expect(row.length).toBeLessThanOrEqual(80);
});
