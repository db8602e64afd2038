import { randomBytes } from 'node:crypto';
import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandClaims } from '../../src/protocol/command.ts';
import { openSpool, temporary } from './parts.ts';

let folder: ReturnType<typeof temporary>;
beforeEach(() => {
  folder = temporary();
});
afterEach(() => folder.remove());

const claims = (change: Partial<CommandClaims> = {}): CommandClaims => ({
  corr_id: randomBytes(18).toString('base64url'),
  verb: 'run_command',
  args: { argv: ['true'] },
  actor: 'root',
  policy_id: 'job',
  nonce: randomBytes(32).toString('base64url'),
  iat: Math.floor(Date.now() / 1_000),
  exp: Math.floor(Date.now() / 1_000) + 60,
  agent_targets: ['x/system'],
  timeout: 45,
  ...change,
});
const open = (now?: () => number) => openSpool(folder.directory, now);

describe('Spool', () => {
  it('gives back what was left, stage by stage', async () => {
    const { spool } = await open();
    const [queued, started, finished, settled] = [claims(), claims(), claims(), claims()];
    await spool.add(queued, 'queued');
    await spool.add(started, 'queued');
    await spool.started(started.corr_id);
    for (const done of [finished, settled]) {
      await spool.add(done, 'started');
      expect(await spool.finished(done.corr_id, 'a.b.c')).toBe(true);
    }
    await spool.settled(settled.corr_id);
    await spool.close();

    const again = await open();
    expect(again.leftOver.map(({ stage, claims: { corr_id } }) => [stage, corr_id]).sort()).toEqual(
      [
        ['queued', queued.corr_id],
        ['started', started.corr_id],
      ].sort(),
    );
    expect(again.spool.finishedOnes()).toEqual([finished.corr_id]);
    expect(await again.spool.result(finished.corr_id)).toBe('a.b.c');
    expect(again.spool.find(settled.corr_id)?.stage).toBe('settled');
    for (const { nonce } of [queued, started, finished, settled])
      expect(again.spool.hasNonce(nonce)).toBe(true);
    await again.spool.close();
  });

  it('sends the oldest result first', async () => {
    let now = Date.now();
    const { spool } = await open(() => now);
    const all = [claims(), claims(), claims()];
    for (const one of all) await spool.add(one, 'started');
    for (const one of all.toReversed()) {
      now += 5;
      await spool.finished(one.corr_id, 'x');
    }
    expect(spool.finishedOnes()).toEqual(all.toReversed().map(({ corr_id }) => corr_id));
    await spool.close();
  });

  it('keeps its files private, and none of a settled command', async () => {
    const { spool } = await open();
    const one = claims();
    await spool.add(one, 'started');
    const file = join(folder.directory, 'spool', `${one.corr_id}.json`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await spool.finished(one.corr_id, 'x');
    await spool.settled(one.corr_id);
    expect(await readdir(join(folder.directory, 'spool'))).toEqual([]);
    expect((await stat(join(folder.directory, 'seen.log'))).mode & 0o777).toBe(0o600);
    await spool.close();
  });

  it('lives with a torn line and with what a crash left behind', async () => {
    const first = await open();
    const one = claims();
    await first.spool.add(one, 'started');
    await first.spool.finished(one.corr_id, 'x');
    await first.spool.settled(one.corr_id);
    await first.spool.close();
    await appendFile(join(folder.directory, 'seen.log'), 'abcdef');
    await writeFile(join(folder.directory, 'spool', '.half.tmp'), '{"sta');
    await writeFile(join(folder.directory, 'spool', 'odd.json'), 'nonsense');
    const { spool, damaged } = await open();
    expect(spool.find(one.corr_id)?.stage).toBe('settled');
    expect(damaged).toEqual([join(folder.directory, 'spool', 'odd.json')]);
    expect(await readdir(join(folder.directory, 'spool'))).toEqual(['odd.json']);
    await spool.close();
    expect(await readFile(join(folder.directory, 'seen.log'), 'utf8')).not.toContain('abcdef\n');
  });

  it('a file that a crash kept from its name does not put a command back to an earlier stage', async () => {
    const { spool } = await open();
    const one = claims();
    await spool.add(one, 'queued');
    const file = join(folder.directory, 'spool', `${one.corr_id}.json`);
    const queued = await readFile(file);
    await spool.started(one.corr_id);
    await spool.close();
    await writeFile(join(folder.directory, 'spool', `.${one.corr_id}.json.0123456789ab.new`), queued, {
      mode: 0o600,
    });
    const again = await open();
    expect(again.leftOver.map(({ stage }) => stage)).toEqual(['started']);
    expect(again.damaged).toEqual([]);
    expect(await readdir(join(folder.directory, 'spool'))).toEqual([`${one.corr_id}.json`]);
    await again.spool.close();
  });

  it('a power cut between the log and the removal does not bring a command back', async () => {
    const { spool } = await open();
    const one = claims();
    await spool.add(one, 'started');
    await spool.finished(one.corr_id, 'x');
    const file = join(folder.directory, 'spool', `${one.corr_id}.json`);
    const content = await readFile(file);
    await spool.settled(one.corr_id);
    await spool.close();
    await writeFile(file, content, { mode: 0o600 });
    const again = await open();
    expect(again.leftOver).toEqual([]);
    expect(again.spool.finishedOnes()).toEqual([]);
    await again.spool.close();
  });

  it('forgets what expired long ago, not before', async () => {
    let now = Date.now();
    const { spool } = await open(() => now);
    const one = claims();
    await spool.add(one, 'started');
    await spool.finished(one.corr_id, 'x');
    await spool.settled(one.corr_id);
    await spool.close();
    now += 86_000_000;
    const soon = await open(() => now);
    expect(soon.spool.hasNonce(one.nonce)).toBe(true);
    await soon.spool.close();
    now += 1_000_000;
    const later = await open(() => now);
    expect(later.spool.hasNonce(one.nonce)).toBe(false);
    await later.spool.close();
  });
});
