/** Pairs through the real program: its JSON, which scripts rely on, what people see, how mistakes are answered. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Door, openDoor } from '../daemon/api/door.ts';
import { HaPlace, type Node } from '../daemon/ha/place.ts';
import { binary, type Finished, Process } from '../lab/processes.ts';
import { hold } from './hold.ts';

let place: HaPlace;
let door: Door;
let one: Node;
let two: Node;

const ctl = async (...args: string[]): Promise<Finished> =>
  new Process(binary('borealisctl'), args, { BOREALIS_SOCKET: door.path }).finished;
const json = async (...args: string[]): Promise<unknown> => {
  const { code, stdout, stderr } = await ctl(...args, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
};
const golden = (name: string, value: unknown) => hold({ directory: place.agents.directory }, name, value);

beforeAll(async () => {
  place = await HaPlace.open();
  door = await openDoor({
    ...place.ha.operations,
    'vpn.show': async () => ({ node: 'engine' }) as never,
  });
  [one, two] = [await place.enrolled('one'), await place.enrolled('two')];
  const roles = { one: 'holder', two: 'standby' } as { one: 'holder' | 'standby'; two: 'holder' | 'standby' };
  const tell = () => {
    one.state({ role: roles.one, endpoint: '192.0.2.1:47002' });
    two.state({ role: roles.two, endpoint: '192.0.2.2:47002' });
  };
  place.onChanged = tell;
  place.onAsked = () => {
    [roles.one, roles.two] = [roles.two, roles.one];
    tell();
  };
});
afterAll(async () => {
  await door.close();
  await place.close();
});

const pair = ['--primary', 'one', '--standby', 'two', '--address', '192.0.2.10/24'];

test('before there is a pair, how one is made is said', async () => {
  expect((await ctl('ha', 'list')).stderr).toContain('ha enable VPN --primary DEVICE');
  const { code, stderr } = await ctl('ha', 'show', 'office');
  expect([code, stderr]).toEqual([3, expect.stringContaining('ha enable office --primary DEVICE')]);
});

describe('enable', () => {
  test.each<[string[], number, string]>([
    [['--lease', '31'], 2, '--lease'],
    [['--lease', '0'], 2, '--lease'],
    [['--driver', 'vrrp'], 2, 'keepalived'],
    [['--interface', 'a b'], 2, 'interface'],
    [['--driver', 'hook'], 2, 'hook'],
    [['--port', '51820'], 7, 'office itself'],
  ])('%j is refused', async (args, exit, says) => {
    const { code, stderr } = await ctl('ha', 'enable', 'office', ...pair, ...args);
    expect([code, stderr]).toEqual([exit, expect.stringContaining(says)]);
    expect(stderr).not.toMatch(/^Try it|Both devices/m);
  });

  test('and disable again: one node serves on', async () => {
    const { code, stderr } = await ctl('ha', 'enable', 'office', ...pair);
    expect(code).toBe(0);
    // What is asked before it is answered, and what comes next only once it is true.
    expect(stderr).toMatch(/^Asking one and two to take up office[\s\S]*\nTry it: /);
    await golden('ha-disable', await json('ha', 'disable', 'office', '--yes'));
  });

  test('makes the pair', async () =>
    golden('ha-enable', await json('ha', 'enable', 'office', ...pair, '--fail-back')));
});

test('show: a card with both nodes; --json has the fields that were promised', async () => {
  const { stdout } = await ctl('ha', 'show', 'office');
  expect(stdout).toMatch(/^State +ok$/m);
  expect(stdout).toMatch(/^Holder +one$/m);
  expect(stdout).toMatch(/^Fails back +to one$/m);
  expect(stdout.match(/^Node +(one|two)$/gm)).toHaveLength(2);
  const shown = await json('ha', 'show', 'office');
  for (const field of ['vpn', 'address', 'state', 'primary', 'standby', 'holder', 'last_switch'])
    expect(shown).toHaveProperty(field);
  await golden('ha-show', shown);
  await golden('ha-list', await json('ha', 'list'));
});

test('switch: who has it is said, and the two have changed places', async () => {
  // The old holder's word comes first, so it is all told when the new one's is there.
  await golden('ha-switch', await json('ha', 'switch', 'office'));
  expect((await ctl('ha', 'switch', 'office')).code).toBe(0);
  const { code, stdout, stderr } = await ctl('ha', 'switch', 'office');
  expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('two has the address of office.')]);
  expect(await json('ha', 'list')).toMatchObject([{ vpn: 'office', holder: 'two', primary: 'two' }]);
});

test('history: newest first, with the measured gap', async () => {
  two.switched('a', { from: one.guid, reason: 'planned', gap_ms: 41 });
  await two.agent.next('BASTION_SEEN');
  expect((await ctl('ha', 'history', 'office')).stdout).toMatch(/planned +one +two +41 ms +3 +3/);
  await golden('ha-history', await json('ha', 'history', 'office'));
});

test('a switch that cannot be is refused, with the reason: 7', async () => {
  one.agent.socket.close();
  await one.agent.closed;
  const { code, stderr } = await ctl('ha', 'switch', 'office');
  expect([code, stderr]).toEqual([7, expect.stringContaining('one is offline')]);
  expect(stderr).toContain('borealisctl ha show office');
  expect((await ctl('ha', 'list', '-o', 'name')).stdout).toBe('office\n');
});

test('disable asks first, and says where the service runs then', async () => {
  expect((await ctl('ha', 'disable', 'office')).code).toBe(2);
  const { code, stdout, stderr } = await ctl('ha', 'disable', 'office', '--yes');
  expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('office runs on engine alone.')]);
  expect(await json('ha', 'list')).toEqual([]);
});
