/** A pair as operators have it, with the real programs: made, handed over, without its engine for a while, taken apart. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HaHistoryEntry, HaPair } from '../../src/protocol/ha.ts';
import type { VpnService } from '../../src/protocol/vpn.ts';
import { until } from '../daemon/agents.ts';
import { requires } from '../require.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import type { Process } from './processes.ts';

const FLOATING = '192.168.77.50';
const NODES = ['north', 'south'] as const;
/** Seconds: a machine that is busy with other tests does not move the address. */
const LEASE = '5';

describe('a pair', requires(...LAB_NEEDS), () => {
  let lab: Lab;
  let engine: Process;
  beforeAll(async () => {
    lab = await Lab.start([...NODES]);
    engine = await lab.startEngine();
    await Promise.all(NODES.map((name) => lab.startDevice(name)));
    const pool = ['--endpoint', `${FLOATING}:51820`, '--pool', '10.8.0.0/24'];
    await lab.json(['vpn', 'create', 'office', ...pool]);
  }, 120_000);
  afterAll(() => lab?.dispose());

  const ha = <T = HaPair>(...args: string[]): Promise<T> => lab.json<T>(['ha', ...args]);
  const show = () => ha('show', 'office');
  /** Who has the address, as their kernels say. */
  const holders = () =>
    NODES.filter((name) => lab.device(name).run('ip', '-br', 'address').includes(`${FLOATING}/`));
  /** On a busy machine it may have changed hands more often than this test lets it, which is told for ten minutes. */
  const well = () =>
    until(async () => {
      const { state, reason, flapping } = await show();
      return state === 'ok' || (flapping && /too often/.test(reason));
    });

  test('is made: one device has the address, the other one can take it', { timeout: 60_000 }, async () => {
    const pair = await ha(
      ...['enable', 'office', '--primary', 'north', '--standby', 'south'],
      ...['--address', `${FLOATING}/24`, '--lease', LEASE, '--threshold', '8'],
    );
    expect(pair).toMatchObject({ state: 'ok', holder: 'north', primary: 'north', standby: 'south' });
    expect([pair.threshold, pair.interval_ms * 8]).toEqual([8, Number(LEASE) * 1_000]);
    expect(holders()).toEqual(['north']);
    expect(await lab.json(['vpn', 'show', 'office'])).toMatchObject({ phase: 'up', node: 'north' });
    const [record] = await lab.json<unknown[]>(['audit', 'list', '--action', 'ha.enable']);
    expect(record).toMatchObject({ action: 'ha.enable', target: 'office', result: 'done' });
  });

  test('is handed over, and that is in its history', { timeout: 60_000 }, async () => {
    expect(await ha('switch', 'office')).toMatchObject({
      holder: 'south',
      primary: 'south',
      standby: 'north',
    });
    expect(holders()).toEqual(['south']);
    await lab.event('ha.switched', ({ data }) => data.reason === 'planned');
    const [newest] = await ha<HaHistoryEntry[]>('history', 'office');
    expect(newest).toMatchObject({
      reason: 'planned',
      from: 'north',
      to: 'south',
      gap_ms: expect.any(Number),
    });
    await well();
  });

  test('goes on when its engine is killed, and is known to the next one', { timeout: 60_000 }, async () => {
    await engine.kill('SIGKILL');
    engine = await lab.startEngine();
    await well();
    expect(holders()).toEqual(['south']);
    expect(await show()).toMatchObject({ holder: 'south', primary: 'south' });
    expect(await ha('history', 'office')).toHaveLength(2);
  });

  test('loses a device that is quarantined, and the other one takes the address', {
    timeout: 60_000,
  }, async () => {
    await lab.json(['device', 'quarantine', 'south', '--yes']);
    await until(() => holders().join() === 'north');
    await until(async () => (await show()).holder === 'north');
    expect(await show()).toMatchObject({ state: 'degraded', reason: expect.stringContaining('quarantined') });
    const refused = await lab.ctl(['ha', 'switch', 'office']);
    expect([refused.code, refused.stderr]).toEqual([7, expect.stringContaining('quarantined')]);
    await lab.json(['device', 'release', 'south']);
    await well();
  });

  test('takes the address from one that is shut out, also where only the engine does not reach that one', {
    timeout: 90_000,
  }, async () => {
    const [pair, holder] = [await show(), holders()[0]];
    expect(pair.holder).toBe(holder);
    const other = NODES.find((name) => name !== holder);
    lab.network.silence({ only: holder as string });
    // It has the other one's vote, and goes on.
    await lab.json(['device', 'quarantine', holder ?? '', '--yes']);
    await until(() => holders().join() === other);
    lab.network.heal();
    await lab.json(['device', 'release', holder ?? '']);
    await well();
    expect(holders()).toEqual([other]);
  });

  test('stays with its holder when the standby is shut out, which hears of nothing', {
    timeout: 90_000,
  }, async () => {
    const holder = holders()[0];
    const other = NODES.find((name) => name !== holder) ?? '';
    const switches = (await ha<unknown[]>('history', 'office')).length;
    lab.network.silence({ only: other });
    await lab.json(['device', 'quarantine', other, '--yes']);
    const seen = new Set<string>();
    await until(async () => {
      seen.add(holders().join());
      const node = (await show()).nodes.find(({ device }) => device === holder);
      return node?.revision_behind === 0 && node.other_heard === false;
    });
    seen.add(holders().join());
    expect([...seen]).toEqual([holder]);
    expect(await ha('history', 'office')).toHaveLength(switches);
    lab.network.heal();
    await lab.json(['device', 'release', other]);
    await well();
    expect(holders()).toEqual([holder]);
  });

  test('is taken apart while nobody hears of it: who goes on with the address is named, until it has heard', {
    timeout: 180_000,
  }, async () => {
    await well();
    const { router } = lab.network;
    // They hear each other still.
    router.nft(
      'table ip away {',
      '  chain through {',
      '    type filter hook forward priority -50;',
      '    iifname "wan" drop',
      '    oifname "wan" drop',
      '  }',
      '}',
    );
    const { code, stdout, stderr } = await lab.ctl(['ha', 'disable', 'office', '--yes']);
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining(
        `north and south do not know of it yet: they go on with office, and keep ${FLOATING}/24 where they have it,`,
      ),
    ]);
    expect(stdout).toContain('office is to run on engine alone.');
    expect(await lab.json(['vpn', 'show', 'office'])).toMatchObject({
      phase: 'waiting',
      node: 'engine',
      reason: expect.stringContaining('north does not know yet that it is not to run this any more'),
    });
    expect(holders()).toHaveLength(1);
    router.nft('delete table ip away');
    await until(() => holders().length === 0);
    // Waiting for as long as one has not said that it has let go.
    await until(async () => (await lab.json<VpnService>(['vpn', 'show', 'office'])).phase === 'up');
    expect(await lab.json(['vpn', 'show', 'office'])).toMatchObject({ node: 'engine' });
    expect(lab.engine.run('ip', '-br', 'link')).toContain('bvpn0');
    for (const name of NODES) await until(() => !lab.device(name).run('ip', '-br', 'link').includes('bvpn0'));
  });

  test('is not made where a stranger has the address, who keeps it and is named', {
    timeout: 60_000,
  }, async () => {
    const { router } = lab.network;
    router.ip(`address add ${FLOATING}/32 dev lan`);
    const hardware = /ether (\S+)/.exec(router.run('ip', 'link', 'show', 'dev', 'lan'))?.[1];
    const refused = await lab.ctl([
      ...['ha', 'enable', 'office', '--primary', 'north', '--standby', 'south'],
      ...['--address', `${FLOATING}/24`],
    ]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(hardware);
    expect(holders()).toEqual([]);
    expect(await lab.json(['ha', 'list'])).toEqual([]);
  });
});
