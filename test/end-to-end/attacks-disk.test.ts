/** The engine on a disk that fills up: changes are refused by name, and nothing that was acknowledged is lost. */
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BorealisError } from '../../src/protocol/errors.ts';
import { RawAgent } from '../daemon/raw-agent.ts';
import { Place } from '../lab/processes.ts';
import { RawChannel } from '../lab/raw-channel.ts';
import { SmallDisk } from '../lab/tmpfs.ts';
import { requires } from '../require.ts';

describe('a full disk', requires('root', 'tmpfs'), () => {
  let place: Place;
  let disk: SmallDisk;
  beforeEach(() => {
    place = new Place();
    disk = new SmallDisk(place.path('engine'), '12m');
  });
  afterEach(async () => {
    await place.end();
    disk.unmount();
    await place.dispose();
  });

  const addScript = (n: number) =>
    place.client.call('script.add', { name: `s-${n}`, language: 'shell', body: `# ${n}\n`.repeat(2_000) });

  test('is answered with DISK_FULL; the engine lives on, and has all that it acknowledged', async () => {
    const engine = await place.startEngine();
    const channel = await RawChannel.welcomed(await enrolled());
    const device = channel.agent.enrolled!.name;
    const unknown = await place.code();
    disk.fill(1_000_000);

    const acknowledged: string[] = [];
    let refusal: unknown;
    for (let n = 0; refusal === undefined; n++)
      await addScript(n).then(
        (script) => acknowledged.push(script.name),
        (error: unknown) => {
          refusal = error;
        },
      );
    expect(refusal).toMatchObject({ code: 'DISK_FULL' });
    expect(acknowledged.length).toBeGreaterThan(5);
    // A large change that was refused leaves room that smaller ones take: until there is not a page of it.
    disk.fill();
    while (await isTaken(() => place.client.call('code.create', { address: '127.0.0.1:1' })));

    // Each kind of change is refused, what only reads is answered, and nobody is thrown out.
    const refused: (() => Promise<unknown>)[] = [
      () => place.client.call('code.create', { address: '127.0.0.1:1' }),
      () => place.client.call('device.rename', { device, name: 'renamed' }),
      () => place.client.call('device.quarantine', { device }),
      () => place.client.call('config.set', { key: 'telemetry_seconds', value: 60 }),
      () => place.client.call('user.grant', { who: 'nobody', role: 'viewer' }),
      () => place.client.call('job.create', { all: true, work: { kind: 'command', argv: ['true'] } }),
      () => place.client.call('script.remove', { script: acknowledged[0]! }),
      () => place.client.download('backup.create', { passphrase: 'correct horse' }),
    ];
    for (const change of refused) await expect(change()).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(await place.client.call('script.list', {})).toHaveLength(acknowledged.length);
    expect(await place.client.call('device.show', { device })).toMatchObject({ state: 'online' });
    expect(await channel.settled()).toBe(true);
    // The log has no room either, and much to tell.
    const stranger = new RawAgent(unknown.link);
    for (let n = 0; n < 60; n++)
      expect(await stranger.poll({ request_id: 'x', request_secret: 'x'.repeat(43) })).toMatchObject({
        status: n < 40 ? 404 : 429,
      });
    expect(await channel.settled()).toBe(true);
    expect(engine.running).toBe(true);

    // Room again: it goes on by itself, with no restart.
    disk.empty();
    await addScript(100_000);
    expect(await place.client.call('audit.verify', {})).toMatchObject({ intact: true });
    expect((await engine.kill('SIGKILL')).signal).toBe('SIGKILL');
    await expectWhole([...acknowledged, 's-100000']);
  });

  test('killed with -9 on the full disk, and started with room, it has everything', async () => {
    const engine = await place.startEngine();
    disk.fill(600_000);
    const acknowledged: string[] = [];
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      const add = async (n: number) => acknowledged.push((await addScript(writer * 1_000 + n)).name);
      for (let n = 0; await isTaken(() => add(n)); n++);
    });
    await Promise.all(writers);
    disk.fill();
    await engine.kill('SIGKILL');
    disk.empty();
    await expectWhole(acknowledged);
  });

  test('an engine that cannot begin says so, and begins once there is room', async () => {
    disk.fill(16_384);
    const engine = place.start('borealisd', ['--state', disk.directory, '--listen', '127.0.0.1:0']);
    const { code, stderr } = await engine.finished;
    expect(code).not.toBe(0);
    expect(stderr).toContain('The disk is full');
    disk.empty();
    await place.startEngine();
    expect(await place.client.call('audit.verify', {})).toMatchObject({ intact: true });
  });

  /** False where the disk has no room for it. */
  const isTaken = async (change: () => Promise<unknown>): Promise<boolean> => {
    try {
      await change();
      return true;
    } catch (error) {
      if (error instanceof BorealisError && error.code === 'DISK_FULL') return false;
      throw error;
    }
  };

  const enrolled = async (): Promise<RawAgent> => {
    const made = new RawAgent((await place.code({ auto_approve: true })).link);
    await made.enrol();
    return made;
  };

  /** Of an engine that has ended: its store is sound, and starts with all of these scripts. */
  const expectWhole = async (scripts: readonly string[]): Promise<void> => {
    await place.startEngine();
    const names = new Set((await place.client.call('script.list', {})).map(({ name }) => name));
    expect(scripts.filter((name) => !names.has(name))).toEqual([]);
    expect(await place.client.call('audit.verify', {})).toMatchObject({ intact: true, break: null });
    await place.end();
    const store = new BetterSqlite3(place.path('engine', 'borealis.db'));
    expect(store.pragma('integrity_check', { simple: true })).toBe('ok');
    store.close();
  };
});
