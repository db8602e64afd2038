/** The floating address on an Ethernet of the lab: real kernels' tables on either side. */
import { spawn } from 'node:child_process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { commandInside, startInside } from '../lab/inside.ts';
import { requires } from '../require.ts';
import { FLOAT, FLOAT6, type LanNode, makeLan } from './lab/lan.ts';

const needs = requires('root', 'linux', 'namespaces', 'ip', 'setpriv');
const families = [
  { name: 'IPv4', float: FLOAT, ip: '192.0.2.10', own: '192.0.2.1', length: 32 },
  { name: 'IPv6', float: FLOAT6, ip: '2001:db8::10', own: '2001:db8::1', length: 128 },
];

/** What ip(8) tells of addresses of a machine from now on. */
const monitor = async (node: LanNode): Promise<() => string> => {
  const [own, ...args] = node.machine.argv('ip', '-o', 'monitor', 'address');
  const child = spawn(own, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  onTestFinished(() => void child.kill());
  // It says nothing when it has begun: another address comes and goes until it is told of.
  await expect
    .poll(
      () => {
        node.machine.ip('address add 198.51.100.1/32 dev lo', 'address delete 198.51.100.1/32 dev lo');
        return said;
      },
      { timeout: 10_000 },
    )
    .toContain('Deleted');
  // It may have begun between the two. Of another one it tells both, when it has told all that was before.
  node.machine.ip('address add 198.51.100.2/32 dev lo', 'address delete 198.51.100.2/32 dev lo');
  await expect.poll(() => said, { timeout: 10_000 }).toMatch(/Deleted.*198\.51\.100\.2/);
  said = '';
  return () => said;
};

describe.each(families)('a floating $name address', needs, ({ float, ip, own, length }) => {
  test('is put beside the own one, held longer each time, and dropped, twice as well', async () => {
    const { join } = await makeLan();
    const node = await join(1);
    const opened = await node.ask({ do: 'open', ...float });
    expect(opened).toEqual({
      interfaceName: 'eth0',
      ownAddress: own,
      ownHardwareAddress: node.hardwareAddress,
    });
    const before =
      node.machine.run('ip', 'route', 'show', 'table', 'main') + node.machine.run('ip', '-6', 'route');
    expect(await node.ask({ do: 'isHere' })).toBe(false);
    await node.ask({ do: 'hold', seconds: 2 });
    expect(node.addresses()).toMatch(new RegExp(`${ip}/${length} .*valid_lft [12]sec`));
    expect(node.addresses()).not.toMatch(new RegExp(`${ip}.*(tentative|secondary)`));
    await node.ask({ do: 'hold', seconds: 30 });
    expect(node.addresses()).toMatch(new RegExp(`${ip}/${length} .*valid_lft (30|29)sec`));
    expect(node.addresses().split(ip).length).toBe(2);
    expect(await node.ask({ do: 'isHere' })).toBe(true);
    expect(
      node.machine.run('ip', 'route', 'show', 'table', 'main') + node.machine.run('ip', '-6', 'route'),
    ).toBe(before);
    await node.ask({ do: 'drop' });
    expect(node.has(ip)).toBe(false);
    await node.ask({ do: 'drop' });
    expect(await node.ask({ do: 'isHere' })).toBe(false);
    expect(node.has(own)).toBe(true);
  });

  test('goes by itself when the process stands still, and when it is killed', async () => {
    const { join } = await makeLan();
    const node = await join(1);
    await node.ask({ do: 'open', ...float });
    const told = await monitor(node);
    await node.ask({ do: 'keep', seconds: 2, everyMs: 100 });
    // Longer than it lasts.
    await expect.poll(() => told().split(ip).length, { timeout: 20_000 }).toBeGreaterThan(25);
    expect(node.has(ip)).toBe(true);
    node.signal('SIGSTOP');
    await expect.poll(() => node.has(ip), { timeout: 10_000 }).toBe(false);
    node.signal('SIGCONT');
    await expect.poll(() => node.has(ip), { timeout: 10_000 }).toBe(true);
    await node.kill();
    await expect.poll(() => node.has(ip), { timeout: 10_000 }).toBe(false);
  });

  test('is not away for a moment while it is renewed: nothing that is sent to it is lost', async () => {
    const { host, join } = await makeLan();
    const node = await join(1);
    await node.ask({ do: 'open', ...float });
    await node.ask({ do: 'keep', seconds: 1, everyMs: 20 });
    const kind = length === 32 ? 'udp4' : 'udp6';
    const echo = startInside(
      node.machine,
      `const s = require('node:dgram').createSocket('${kind}');
       s.on('message', (m, from) => s.send(m, from.port, from.address)).bind(9000, '${ip}', () => console.log('ready'));
       process.stdin.resume().on('end', () => process.exit());`,
    );
    expect(await echo.line).toBe('ready');
    const told = await monitor(node);
    const pings = startInside(
      host,
      `const s = require('node:dgram').createSocket('${kind}');
       let [sent, heard] = [0, 0];
       s.on('message', () => { heard += 1; if (heard === 250) done(); });
       const done = () => { console.log(JSON.stringify({ sent, heard })); process.exit(); };
       const each = setInterval(() => {
         s.send('x', 9000, '${ip}');
         if (++sent === 250) { clearInterval(each); setTimeout(done, 2000); }
       }, 10);`,
    );
    expect(JSON.parse(await pings.line)).toEqual({ sent: 250, heard: 250 });
    expect(told().split(ip).length).toBeGreaterThan(20);
    expect(
      told()
        .split('\n')
        .filter((line) => line.includes('Deleted') && line.includes(ip)),
    ).toEqual([]);
    echo.child.stdin?.end();
  });

  test('is told to the network: others turn to the one that has it', async () => {
    const { host, join } = await makeLan();
    const [one, two] = [await join(1), await join(2)];
    const neighbour = () => host.run('ip', 'neighbour', 'show', ip);
    const visit = () =>
      commandInside(host, process.execPath, [
        '-e',
        `const s = require('node:dgram').createSocket('${length === 32 ? 'udp4' : 'udp6'}');
         s.send('x', 9, '${ip}', () => s.close());`,
      ]);
    for (const node of [one, two]) await node.ask({ do: 'open', ...float });
    await one.ask({ do: 'hold', seconds: 60 });
    await expect.poll(() => visit() + neighbour()).toContain(one.hardwareAddress);
    // Without a word the neighbour would go on turning to the first.
    await one.ask({ do: 'drop' });
    await two.ask({ do: 'hold', seconds: 60 });
    expect(neighbour()).toContain(one.hardwareAddress);
    await two.ask({ do: 'announce' });
    await expect.poll(neighbour).toContain(two.hardwareAddress);
    expect(neighbour()).not.toContain(one.hardwareAddress);
  });

  test('is asked for: a stranger is found, oneself and nobody are not', async () => {
    const { join } = await makeLan();
    const [node, stranger] = [await join(1), await join(2)];
    await node.ask({ do: 'open', ...float });
    expect(await node.ask({ do: 'probe', ms: 500 })).toBeNull();
    await node.ask({ do: 'hold', seconds: 60 });
    expect(await node.ask({ do: 'probe', ms: 500 })).toBeNull();
    await node.ask({ do: 'drop' });
    stranger.machine.ip(`address add ${float.address} dev eth0${length === 128 ? ' nodad' : ''}`);
    // The kernel joins the group of an IPv6 address after ip(8) has ended; a node asks again and again.
    const found = { timeout: 30_000 };
    const answers = () => node.ask({ do: 'probe', ms: 500 });
    await expect.poll(answers, found).toBe(stranger.hardwareAddress);
    // Also while it has the address itself.
    await node.ask({ do: 'hold', seconds: 60 });
    await expect.poll(answers, found).toBe(stranger.hardwareAddress);
    await node.ask({ do: 'close' });
  });

  test("is left alone where it is somebody else's on this machine", async () => {
    const { join } = await makeLan();
    const node = await join(1);
    const add = `address add ${float.address} dev lo${length === 128 ? ' nodad' : ''}`;
    node.machine.ip(add);
    const taken = {
      code: 'HA_ADDRESS_TAKEN',
      message: expect.stringContaining('on lo'),
      next: expect.any(String),
    };
    await expect(node.ask({ do: 'open', ...float })).rejects.toMatchObject(taken);
    node.machine.ip(add.replace('address add', 'address delete').replace(' nodad', ''));
    await node.ask({ do: 'open', ...float });
    // And where it became so later.
    node.machine.ip(add.replace('dev lo', 'dev eth0').replace(/\/\d+/, `/${length}`));
    const before = node.addresses();
    await expect(node.ask({ do: 'hold', seconds: 2 })).rejects.toMatchObject({ code: 'HA_ADDRESS_TAKEN' });
    await node.ask({ do: 'drop' });
    expect(await node.ask({ do: 'isHere' })).toBe(false);
    expect(node.addresses()).toBe(before);
  });

  test('that a process before has left is gone on with, and taken away', async () => {
    const { join } = await makeLan();
    const node = await join(1);
    await node.ask({ do: 'open', ...float });
    await node.ask({ do: 'hold', seconds: 60 });
    await node.kill();
    await node.ask({ do: 'open', ...float });
    expect(await node.ask({ do: 'isHere' })).toBe(true);
    await node.ask({ do: 'hold', seconds: 60 });
    await node.ask({ do: 'drop' });
    expect(node.has(ip)).toBe(false);
    await node.ask({ do: 'hold', seconds: 60 });
    await node.kill();
    await node.ask({ do: 'open', ...float });
    await node.ask({ do: 'drop' });
    expect(node.has(ip)).toBe(false);
  });

  test('goes back to an interface that was made anew', async () => {
    const { host, join } = await makeLan();
    const node = await join(1);
    await node.ask({ do: 'open', ...float });
    await node.ask({ do: 'hold', seconds: 60 });
    node.machine.ip('link delete eth0');
    await expect(node.ask({ do: 'hold', seconds: 60 })).rejects.toMatchObject({ code: 'HA_NO_INTERFACE' });
    await node.ask({ do: 'drop' });
    await node.ask({ do: 'announce' });
    await node.ask({ do: 'probe', ms: 1 });
    host.runInNetwork(
      'ip',
      ...`link add p9 type veth peer name eth0 netns ${node.machine.holder}`.split(' '),
    );
    const nodad = length === 128 ? ' nodad' : '';
    node.machine.ip(`address add ${own}/${length === 128 ? 64 : 24} dev eth0${nodad}`, 'link set eth0 up');
    await node.ask({ do: 'hold', seconds: 60 });
    expect(node.has(ip)).toBe(true);
  });
});

describe('a floating address is refused', needs, () => {
  test('where no interface, or more than one, is in its network, and where there is none of the name', async () => {
    const { join } = await makeLan();
    const node = await join(1);
    const refused = { code: 'HA_NO_INTERFACE', next: expect.stringContaining('ip address') };
    for (const options of [
      { address: '203.0.113.10/24', interfaceName: null },
      { address: '203.0.113.10/24', interfaceName: 'eth0' },
      { address: '192.0.2.10/24', interfaceName: 'eth7' },
      { address: '127.0.0.10/8', interfaceName: 'lo' },
    ]) {
      await expect(node.ask({ do: 'open', ...options })).rejects.toMatchObject(refused);
    }
    node.machine.ip('link add other type bridge', 'address add 192.0.2.77/24 dev other', 'link set other up');
    await expect(node.ask({ do: 'open', ...FLOAT })).rejects.toMatchObject(refused);
    await node.ask({ do: 'open', ...FLOAT, interfaceName: 'eth0' });
  });

  test('without CAP_NET_ADMIN, without CAP_NET_RAW', async () => {
    const { join } = await makeLan();
    for (const [number, capability] of [
      [1, 'net_admin'],
      [2, 'net_raw'],
    ] as const) {
      const node = await join(number);
      node.start(['setpriv', `--bounding-set=-${capability}`]);
      await expect(node.ask({ do: 'open', ...FLOAT })).rejects.toMatchObject({
        code: 'NET_ADMIN_REQUIRED',
        next: expect.stringContaining(`CAP_${capability.toUpperCase()}`),
      });
    }
  });
});

test('its sockets are closed in programs that are started meanwhile', needs, async () => {
  const { join } = await makeLan();
  const node = await join(1);
  await node.ask({ do: 'open', ...FLOAT });
  await node.ask({ do: 'probe', ms: 1 });
  expect(await node.ask<string>({ do: 'descriptors' })).not.toMatch(/ ([3-9]|\d\d+) -> socket:/);
});
