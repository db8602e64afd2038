/** The fence around a floating address: what others of the Ethernet get of it, and what becomes of its tables. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as at } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Host } from '../lab/host.ts';
import { exchange, startInside } from '../lab/inside.ts';
import { requires } from '../require.ts';
import { FLOAT, FLOAT6, type LanNode, makeLan } from './lab/lan.ts';
import type { Seen } from './lab/watcher.ts';

const needs = requires('root', 'linux', 'namespaces', 'ip', 'nft');
const families = [
  { name: 'IPv4', float: FLOAT, ip: '192.0.2.10', udp: 'udp4', forwarding: 'ipv4/ip_forward' },
  { name: 'IPv6', float: FLOAT6, ip: '2001:db8::10', udp: 'udp6', forwarding: 'ipv6/conf/all/forwarding' },
] as const;
const WATCHER = fileURLToPath(new URL('./lab/watcher.ts', import.meta.url));
const PORT = 9_000;
/** Of the kernel's clock, of which a timeout is a number of ticks (10 ms at most), and of reading ours. */
const SLACK_MS = 50;

const now = (): number => Number(process.hrtime.bigint()) / 1e6;

const watch = (host: Host, address: string): (() => Promise<Seen>) => {
  const [own, ...args] = host.argv(process.execPath, WATCHER, address, String(PORT));
  const child = spawn(own, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.stdin.end());
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async () => {
    child.stdin.write('\n');
    return JSON.parse((await lines.next()).value as string) as Seen;
  };
};

/** Says back what it hears, from the address itself, for as long as the machine is there. */
const echo = async (node: LanNode, kind: 'udp4' | 'udp6', ip: string): Promise<void> => {
  const { line } = startInside(
    node.machine,
    `const s = require('node:dgram').createSocket('${kind}').on('error', () => {});
     s.on('message', (m, from) => s.send(m, from.port, from.address, () => {}));
     s.bind(${PORT}, '${ip}', () => console.log('ready'));`,
  );
  expect(await line).toBe('ready');
};

const tablesOf = (node: LanNode): string[] =>
  node.machine
    .run('nft', 'list', 'tables')
    .split('\n')
    .filter((line) => line.includes('borealis_ha_'));

describe.each(families)(
  'the fence around a floating $name address',
  needs,
  ({ float, ip, udp, forwarding }) => {
    const count = udp === 'udp4' ? 2 : 1;

    test('ends it in time where the kernel is late, and its process stands still', async () => {
      const { host, join } = await makeLan();
      const node = await join(1);
      await node.ask({ do: 'open', ...float });
      await node.ask({ do: 'hold', seconds: 60 });
      await echo(node, udp, ip);
      const look = watch(host, float.address);
      const allAfter = async (time: number) => Object.values(await look()).every((asked) => asked > time);
      const other = udp === 'udp4' ? '198.51.100.1/32 dev lo' : '2001:db8:1::1/128 dev lo nodad';

      for (let tries = 0; tries < 8; tries += 1) {
        await node.ask({ do: 'hold', seconds: 60 });
        const begun = now();
        await expect.poll(() => allAfter(begun), { timeout: 10_000 }).toBe(true);
        const end = (await node.ask<number>({ do: 'hold', seconds: 2 })) + 2_000;
        node.signal('SIGSTOP');
        // It looks at lifetimes no sooner than a second after the last change.
        await at(end - 400 - now());
        while (now() < end - 100) {
          node.machine.ip(`address add ${other}`, `address delete ${other.replace(' nodad', '')}`);
        }
        let listed = 0;
        let goesOn = false;
        for (let time = now(); node.has(ip); time = now()) {
          listed = time;
          if (goesOn || time < end + 2 * SLACK_MS) continue;
          // It does not know yet what time it is.
          goesOn = true;
          node.signal('SIGCONT');
          await node.ask({ do: 'announce' });
        }
        if (!goesOn) node.signal('SIGCONT');
        const seen = await look();
        for (const asked of Object.values(seen)) expect(asked).toBeLessThanOrEqual(end + SLACK_MS);
        // The machine was too busy for the test to come in time.
        const wasLate = goesOn && listed > end + 4 * SLACK_MS;
        if (wasLate && Object.values(seen).every((asked) => asked > end - 500)) return;
      }
      throw new Error('the kernel was never late');
    }, 60_000);

    test('is found and replaced after a kill, gone when it is closed, and nobody else is touched', async () => {
      const { join } = await makeLan();
      const node = await join(1);
      for (const family of ['inet', 'arp', 'ip6']) {
        const table = `table ${family} borealis_other`;
        node.machine.nft(`${table} {`, 'chain in {', 'type filter hook input priority 0', '}', '}');
      }
      const before = node.machine.run('nft', 'list', 'ruleset');
      await node.ask({ do: 'open', ...float });
      expect(node.machine.run('nft', 'list', 'ruleset')).toBe(before);
      await node.ask({ do: 'hold', seconds: 60 });
      expect(tablesOf(node)).toHaveLength(count);
      expect(node.machine.run('nft', 'list', 'ruleset')).toContain(`Borealis: the floating address ${ip}`);
      await node.kill();
      expect(tablesOf(node)).toHaveLength(count);
      await node.ask({ do: 'open', ...float });
      await node.ask({ do: 'hold', seconds: 30 });
      expect(tablesOf(node)).toHaveLength(count);
      expect(node.machine.run('nft', 'list', 'ruleset')).toContain('timeout 30s');
      expect(node.machine.run('nft', 'list', 'ruleset')).not.toContain('timeout 1m');
      await node.ask({ do: 'drop' });
      expect(node.machine.run('nft', 'list', 'ruleset')).not.toContain('timeout 30s');
      await node.ask({ do: 'hold', seconds: 60 });
      await node.ask({ do: 'close' });
      expect(node.has(ip)).toBe(false);
      expect(node.machine.run('nft', 'list', 'ruleset')).toBe(before);
      // Also where the next one never has it.
      await node.ask({ do: 'open', ...float });
      await node.ask({ do: 'hold', seconds: 60 });
      await node.kill();
      await node.ask({ do: 'open', ...float });
      await node.ask({ do: 'drop' });
      expect(node.has(ip)).toBe(false);
      expect(node.machine.run('nft', 'list', 'ruleset')).toBe(before);
    });

    test('is made again where somebody has flushed all tables', async () => {
      const { join } = await makeLan();
      const node = await join(1);
      await node.ask({ do: 'open', ...float });
      await node.ask({ do: 'hold', seconds: 60 });
      node.machine.nft('flush ruleset');
      await node.ask({ do: 'hold', seconds: 30 });
      expect(tablesOf(node)).toHaveLength(count);
      expect(node.machine.run('nft', 'list', 'ruleset')).toContain('timeout 30s');
      node.machine.nft('flush ruleset');
      await node.ask({ do: 'drop' });
      expect(node.has(ip)).toBe(false);
    });

    test('lets a lifetime end within a second', async () => {
      const { host, join } = await makeLan();
      const node = await join(1);
      await node.ask({ do: 'open', ...float });
      await node.ask({ do: 'hold', seconds: 60 });
      await echo(node, udp, ip);
      const look = watch(host, float.address);
      const begun = now();
      const allAfter = async () => Object.values(await look()).every((asked) => asked > begun);
      await expect.poll(allAfter, { timeout: 10_000 }).toBe(true);
      const end = (await node.ask<number>({ do: 'hold', seconds: 0.3 })) + 300;
      await expect.poll(() => node.has(ip), { timeout: 10_000 }).toBe(false);
      for (const asked of Object.values(await look())) expect(asked).toBeLessThanOrEqual(end + SLACK_MS);
    });

    test('that is left keeps nothing from whoever has the address now', async () => {
      const { host, join } = await makeLan();
      const [left, next] = [await join(1), await join(2)];
      await left.ask({ do: 'open', ...float });
      await left.ask({ do: 'hold', seconds: 1 });
      await left.kill();
      await expect.poll(() => left.has(ip), { timeout: 10_000 }).toBe(false);
      expect(tablesOf(left)).toHaveLength(count);
      await next.ask({ do: 'open', ...float });
      await next.ask({ do: 'hold', seconds: 60 });
      startInside(
        next.machine,
        `require('node:net').createServer((s) => s.pipe(s)).listen(${PORT}, '${ip}', () => console.log('ready'));`,
      );
      await expect.poll(() => next.machine.run('ss', '-Htln')).toContain(`:${PORT}`);
      expect(await exchange(left.machine, ip, PORT, 'from the one before')).toBe('from the one before');
      // Over it, as over a router. The other two know each other: their neighbour discovery passes no router.
      expect(await exchange(host, ip, PORT, 'directly')).toBe('directly');
      left.machine.run('sh', '-c', `echo 1 >/proc/sys/net/${forwarding}`);
      host.ip(`neighbour replace ${ip} lladdr ${left.hardwareAddress} dev br0 nud permanent`);
      expect(await exchange(host, ip, PORT, 'over it')).toBe('over it');
    });
  },
);
