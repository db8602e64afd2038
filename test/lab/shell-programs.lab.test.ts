/** Full-screen programs in shells through tunnels: who comes later sees, cell for cell, what who was there first sees. */
import { setTimeout as rest } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Shell } from '../../src/protocol/shell.ts';
import { stateOf } from '../agent/shells/screen-compare.ts';
import { requires } from '../require.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import type { Screen } from './screen.ts';

const ENTER = '\r';
const DETACH = '\u001dd';
const CTRL_B = '\u0002';
const SETTLING_MS = 20_000;

interface Program {
  readonly name: string;
  readonly command: string;
  readonly there: RegExp;
  /** Keys, and what is there once they have done their work. */
  readonly work: readonly (readonly [string, RegExp])[];
  readonly quit: string;
}

describe('in a shell through a tunnel', requires(...LAB_NEEDS, 'vim', 'htop', 'tmux'), () => {
  let lab: Lab;
  const screens: Screen[] = [];
  const open = (args: string[]): Screen => {
    const screen = lab.screen(['shell', 'north', ...args], { columns: 100, rows: 30 });
    screens.push(screen);
    return screen;
  };
  /** What a person and the program can tell; lines above the screen are each viewer's own. */
  const seen = ({ terminal }: Screen) => {
    const { normal: _, leftBehind: __, saved: ___, savedBehind: ____, ...rest } = stateOf(terminal);
    return rest;
  };
  /** Waits until they agree; says where they do not when they have not for so long. */
  const same = async (one: Screen, other: Screen): Promise<void> => {
    const until = performance.now() + SETTLING_MS;
    while (!isDeepStrictEqual(seen(other), seen(one)) && performance.now() < until) await rest(20);
    expect(seen(other)).toEqual(seen(one));
  };

  beforeAll(async () => {
    lab = await Lab.start(['north']);
    await lab.startEngine();
    await lab.startDevice('north');
  });
  afterAll(async () => {
    for (const screen of screens) screen.kill();
    await lab?.dispose();
  });

  test.each([
    {
      name: 'vim',
      command:
        'vim -u NONE -N -n -c "set number ruler hlsearch mouse=a t_Co=256" -c "syntax on" /etc/services',
      there: /1,1 +Top/,
      work: [['30GVjj:set list\r/tcp\rzt5j', /35,12-20/]],
      quit: '\u001b:qa!\r',
    },
    {
      name: 'htop',
      command: 'htop -d 50',
      there: /F10/,
      work: [['\u001b[B\u001b[B', /F10/]],
      quit: 'q',
    },
    {
      name: 'tmux',
      command: 'tmux -L borealis-lab -f /dev/null new-session',
      there: /\[0\] 0:/,
      // What comes faster than fingers is a paste to tmux.
      work: [
        [CTRL_B, /./],
        ['"', /^─+$/m],
        ['ls --color=always /\r', /\betc\b/],
        [CTRL_B, /./],
        ['%', /│/],
        ['echo Grüße\r', /│Grüße$/m],
      ],
      quit: 'tmux -L borealis-lab kill-server\r',
    },
  ] as const satisfies readonly Program[])(
    '$name is exact for who comes later, after a new size, and for who comes back',
    async (program) => {
      const first = open([]);
      await first.until(/[#$] *$/m);
      const shells = await lab.json<Shell[]>(['shell', 'list']);
      const { id } = shells.find(({ viewers }) => viewers.length > 0)!;
      first.type(`${program.command}${ENTER}`);
      await first.until(program.there);
      const second = open(['--attach', id, '--read-only']);
      await second.until(program.there);
      await same(first, second);
      for (const [keys, seen] of program.work) {
        first.type(keys);
        await first.until(seen);
        await same(first, second);
      }
      for (const screen of [second, first]) screen.resize(120, 40);
      await first.until((lines) => lines.at(-1) !== '' && lines.some((line) => line.length > 100));
      await same(first, second);
      first.type(DETACH);
      expect(await first.ended).toBe(0);
      expect(first.terminal.buffer.active.type).toBe('normal');
      expect(first.terminal.modes).toMatchObject({ mouseTrackingMode: 'none', bracketedPasteMode: false });
      const third = lab.screen(['shell', 'north', '--attach', id], { columns: 120, rows: 40 });
      screens.push(third);
      await third.until(program.work.at(-1)![1]);
      await same(second, third);
      third.type(program.quit);
      await third.until(
        (lines) =>
          third.terminal.buffer.active.type === 'normal' && /[#$]$/.test(lines.filter(Boolean).at(-1) ?? ''),
      );
      third.type(`exit 0${ENTER}`);
      expect(await third.ended).toBe(0);
      expect(await second.ended).toBe(0);
    },
  );
});
