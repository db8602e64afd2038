/** Shells through tunnels, as an operator has them in a terminal. */
import { mkdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Recording, Shell } from '../../src/protocol/shell.ts';
import { requires } from '../require.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import type { Process } from './processes.ts';
import type { Screen } from './screen.ts';

const ENTER = '\r';
/** Ctrl-] d */
const DETACH = '\u001dd';
const HEALING = { interval: 100 };

/** All that a viewer can scroll back to since its last screen came, and what it sees. */
const scrolled = ({ terminal: { buffer } }: Screen): string => {
  const { normal } = buffer;
  const lines = Array.from({ length: normal.length }, (_, row) =>
    normal.getLine(row)!.translateToString(true),
  );
  return lines.slice(lines.findLastIndex((line) => line.includes('line 1 without engine'))).join('\n');
};
const numbers = (text: string, word: 'row' | 'line'): number[] =>
  [...text.matchAll(new RegExp(`^${word} (\\d+) (?:of many|without engine)\\r?$`, 'gm'))].map(([, number]) =>
    Number(number),
  );
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('a shell through a tunnel', requires(...LAB_NEEDS), () => {
  let lab: Lab;
  let engine: Process;
  let agent: Process;
  let first: Screen;
  let shell: Shell;
  const screens: Screen[] = [];
  const open = (args: string[]): Screen => {
    const screen = lab.screen(['shell', 'north', ...args], { columns: 100, rows: 30 });
    screens.push(screen);
    return screen;
  };
  const shells = () => lab.json<Shell[]>(['shell', 'list']);

  beforeAll(async () => {
    lab = await Lab.start(['north']);
    engine = await lab.startEngine();
    agent = await lab.startDevice('north');
  });
  afterAll(async () => {
    for (const screen of screens) screen.kill();
    await lab?.dispose();
  });

  test('is there with one command, and is on the device', async () => {
    first = open([]);
    await first.until(/[#$] *$/m);
    first.type(`echo $((6*7))-$(hostname)${ENTER}`);
    await first.until('42-north');
    [shell] = (await shells()) as [Shell];
    expect(shell).toMatchObject({ device: 'north', started_by: 'root', state: 'running', recorded: true });
  });

  test('of a user that the device does not have, is refused', async () => {
    const { code, stdout } = await lab.ctl(['shell', 'north', '--user', 'nobodyatall', '--json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'UNKNOWN_USER' } });
    expect(await shells()).toHaveLength(1);
  });

  test('is seen by others as it is; who only watches types nothing', async () => {
    const second = open(['--attach', shell.id, '--read-only']);
    await second.until('42-north');
    first.type(`echo seen by two${ENTER}`);
    await second.until(/^seen by two/m);
    second.type(`echo intruder-$((1+1))${ENTER}`);
    first.type(`echo still-$((1+2))${ENTER}`);
    await second.until('still-3');
    expect(first.lines.join('\n')).not.toContain('intruder-2');
    const [now] = await shells();
    expect(now?.viewers.map(({ read_only }) => read_only).toSorted()).toEqual([false, true]);
    second.type(DETACH);
    expect(await second.ended).toBe(0);
  });

  test('goes on when left, and is restored for who comes back', async () => {
    first.type(DETACH);
    expect(await first.ended).toBe(0);
    expect((await shells())[0]).toMatchObject({ id: shell.id, state: 'running', viewers: [] });
    first = open(['--attach', shell.id]);
    await first.until('still-3');
    first.type(`echo back${ENTER}`);
    await first.until(/^back/m);
  });

  test('loses nothing of its output when the cable is out: it attaches again by itself', async () => {
    first.type(`for i in $(seq 1 400); do echo row $i of many; sleep 0.01; done; echo all rows${ENTER}`);
    await first.until(/row \d+ of many/);
    lab.network.cut('north');
    await first.until('north stands still (Ctrl-] d leaves): ');
    lab.network.restore('north');
    await first.until(/^all rows/m);
    await expect.poll(async () => (await shells())[0]?.state, HEALING).toBe('running');
  });

  test('lives on when the engine is killed; who watches is attached to the next, and misses nothing', async () => {
    first.type(
      `for i in $(seq 1 300); do echo line $i without engine; sleep 0.01; done; echo all lines${ENTER}`,
    );
    await first.until(/line \d+ without engine/);
    await engine.kill('SIGKILL');
    await first.until('The engine is out of reach; waiting.');
    engine = await lab.startEngine();
    await first.until(/^all lines/m);
    expect(first.lines.join('\n')).not.toContain('out of reach');
    // What scrolled by meanwhile can be scrolled back to.
    expect(numbers(scrolled(first), 'line')).toEqual(upTo(300));
    const again = open(['--attach', shell.id]);
    await again.until('all lines');
    again.type(`echo after the engine${ENTER}`);
    await first.until(/^after the engine/m);
    again.type(DETACH);
    expect(await again.ended).toBe(0);
  });

  test('is recorded, whole', async () => {
    const last = open(['--attach', shell.id]);
    await last.until('after the engine');
    last.type(`exit 3${ENTER}`);
    await last.ended;
    await expect.poll(async () => (await shells()).length, HEALING).toBe(0);
    const recordings = await lab.json<Recording[]>(['session', 'list']);
    expect(recordings).toContainEqual(
      expect.objectContaining({ id: shell.id, state: 'complete', exit_code: 3 }),
    );
    mkdirSync(lab.path('cast'));
    const file = lab.path('cast', 'shell.cast');
    expect(await lab.ctl(['session', 'export', shell.id, file])).toMatchObject({ code: 0 });
    const shown = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line) as [number, string, string])
      .filter(([, kind]) => kind === 'o')
      .map(([, , text]) => text)
      .join('');
    expect(numbers(shown, 'row')).toEqual(upTo(400));
    expect(numbers(shown, 'line')).toEqual(upTo(300));
    const found = await lab.ctl(['session', 'search', 'row 377 of many', '--json']);
    expect(found.stdout).toContain(shell.id);
  });

  test('whose agent is killed leaves a recording that plays', async () => {
    const screen = open([]);
    await screen.until(/[#$] *$/m);
    screen.type(`echo last-$((40+2))-words${ENTER}`);
    await screen.until('last-42-words');
    const [cut] = await shells();
    await agent.kill('SIGKILL');
    const file = lab.path('cast', 'cut.cast');
    await expect
      .poll(async () => {
        await lab.ctl(['session', 'export', cut!.id, file, '--force']);
        return readFileSync(file, 'utf8');
      }, HEALING)
      .toContain('last-42-words');
    screen.kill();
  });
});
