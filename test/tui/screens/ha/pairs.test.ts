/** The screens of pairs, as frames: every state, what is asked before something is done, and what is told to a screen reader. */
import { afterEach, describe, expect, test } from 'vitest';
import type { HaHistoryEntry, HaPair } from '../../../../src/protocol/ha.ts';
import { screens } from '../../../../src/tui/screens/all.ts';
import { Frames, type FramesOptions, ToldEngine } from '../../frames.tsx';
import { HISTORY, NOW, node, pair } from './pair.ts';

let frames: Frames | undefined;
afterEach(() => frames?.close());

interface Told {
  pairs: HaPair[];
  history: HaHistoryEntry[];
  /** Devices that are away when something ends. */
  untold?: string[];
}

const SMALL = { columns: 80, rows: 24 };

const service = {
  ...{ id: 'a', name: 'office', project: 'default', labels: {}, node: 'north', phase: 'up', reason: null },
  ...{
    endpoint: '192.0.2.10:51820',
    listen_port: 51_820,
    interface: 'bv1',
    pool: '10.8.0.0/24',
    pool6: null,
  },
  ...{ dns: [], local_subnets: [], masquerade: true, mtu: 1_420, public_key: 'K', connections: 0 },
};

const open = async (told: Told, options: FramesOptions = {}) => {
  const engine = new ToldEngine({
    'status.show': () => ({
      ready: true,
      devices: { total: 2, online: 2, offline: 0, quarantined: 0, revoked: 0 },
      ...{ jobs_running: 0, jobs_queued: 0, tunnels: 0, approvals_waiting: 0, signature_failures: 0 },
      ...{ warnings: [], uptime_seconds: 1, version: '1', store: { size_bytes: 1 } },
      ha: told.pairs.map(({ vpn, state }) => ({ vpn, state })),
    }),
    'device.list': () => ({ items: [], next_cursor: null }),
    'approval.list': () => [],
    'vpn.list': () => [service],
    'vpn.status': () => ({ service, connections: [] }),
    'ha.list': () => told.pairs,
    'ha.history': () => told.history,
    'ha.switch': () => {
      told.pairs = [swapped(told.pairs[0]!)];
      return told.pairs[0]!;
    },
    'ha.disable': () => {
      told.pairs = [];
      return { untold: told.untold ?? [] };
    },
    'vpn.delete': () => ({ untold: told.untold ?? [] }),
  });
  frames = await Frames.start(engine, { now: () => NOW, ...options });
  return { engine, frames };
};

const swapped = (of: HaPair): HaPair => ({
  ...of,
  ...{ primary: of.standby, standby: of.primary, holder: of.standby },
  nodes: of.nodes.map((one) => ({
    ...one,
    role: one.role === 'holder' ? ('standby' as const) : ('holder' as const),
  })),
});

/** By the command line, as it is typed. */
const toScreen = async (at: Frames): Promise<void> => {
  at.press(':');
  at.write('ha');
  at.press('enter');
  await at.until('borealis › HA');
};

const openPair = async (at: Frames): Promise<string> => {
  await toScreen(at);
  await at.until('HAS IT');
  await at.until('office');
  at.press('enter');
  await at.until('› HA of office');
  return at.until('Role');
};

describe('the list of pairs', () => {
  test('says what a pair is, and how to begin, where there is none', async () => {
    const { frames: at } = await open({ pairs: [], history: [] }, SMALL);
    await toScreen(at);
    const text = await at.until('No pairs.');
    expect(text).toContain('two devices run the same VPN service');
    expect(text).toContain('ha enable VPN --primary DEVICE --standby DEVICE --address CIDR');
    expect(text).not.toContain('…');
    at.press('n');
    await at.until(/^: ha enable $|: ha enable/m);
  });

  test('has who has the address, who would take it, and why it is as it is, in 80 columns', async () => {
    const degraded = pair({
      ...{
        vpn: 'workshop',
        state: 'degraded' as const,
        address: '198.51.100.7/24',
        holder: 'east',
        primary: 'east',
      },
      ...{ standby: 'west', reason: 'west is offline; nobody could take the address.', last_switch: null },
      nodes: [node('east', { role: 'holder' }), node('west', { role: null, online: false })],
    });
    const { frames: at } = await open({ pairs: [pair(), degraded], history: [] }, SMALL);
    await toScreen(at);
    const text = await at.until('workshop');
    expect(text).toMatch(/^ *office +✓ ok +192\.0\.2\.10 +north +south/m);
    expect(text).toMatch(/^ *workshop +! degraded +198\.51\.100\.7 +east +west$/m);
    expect(text).toContain('north has 192.0.2.10/24.');
    at.press('down');
    await at.until('west is offline; nobody could take the address.');
    // One of the two waits for somebody.
    expect(text.split('\n')[1]).toMatch(/HA 1/);
    at.press('/');
    at.write('degraded');
    await at.until((now) => now.includes('workshop') && !now.includes('office'));
  });

  test('all columns where there is room', async () => {
    const { frames: at } = await open({ pairs: [pair()], history: [] });
    await toScreen(at);
    const text = await at.until('office');
    expect(text).toMatch(/VPN +STATE +ADDRESS +HAS IT +PRIMARY +STANDBY +SWITCH +GAP/);
    expect(text).toContain('1.8 s');
  });
});

describe('one pair', () => {
  test('who has the address, both nodes beside each other, and its switches, in 80 × 24', async () => {
    const { frames: at } = await open({ pairs: [pair()], history: HISTORY }, SMALL);
    const text = await openPair(at);
    const lines = text.split('\n');
    expect(lines).toHaveLength(24);
    expect(lines[2]).toMatch(/^ {2}north has 192\.0\.2\.10\/24 +✓ ok$/);
    expect(text).toMatch(/╭─ ● north ─+ has the address ─╮ +╭─ south ─+╮/);
    expect(text).toMatch(/Role +● holder +│ +│ Role +○ standby/);
    expect(text).toMatch(/Other +✓ heard .*Other +✓ heard/);
    expect(text).toMatch(/Changes +✓ all are there/);
    expect(text).toMatch(/Clients +12 known/);
    expect(text).toContain('Lease 2 s, votes on UDP 47002, stays where it is');
    expect(text).toMatch(/✗ lost +south → north +1\.8 s +11 of 12/);
    expect(text).toMatch(/▶ planned +north → south +64 ms +12 of 12/);
    expect(text).toMatch(/· first +nobody → north$/m);
    // Nothing stands beyond the edge, and the keys are there.
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines[23]).toContain('s switch');
  });

  test('each state has a word and a mark, and says what is wrong', async () => {
    const told: Told = { pairs: [pair()], history: HISTORY };
    const { engine, frames: at } = await open(told, SMALL);
    await openPair(at);
    const become = async (now: Partial<HaPair>, wanted: RegExp): Promise<string> => {
      told.pairs = [pair(now)];
      engine.happens('ha.changed', 'office');
      return at.until(wanted);
    };
    await become(
      { state: 'switching', holder: null, reason: 'The address is on its way.' },
      /192\.0\.2\.10\/24 is on its way +▶ switching/,
    );
    await become(
      { state: 'down', holder: null, reason: 'Nobody has the address.' },
      /Nobody has 192\.0\.2\.10\/24 +✗ down/,
    );
    await become(
      { state: 'degraded', flapping: true, reason: 'The address changed hands too often lately.' },
      /! flapping/,
    );
    const stranger = 'fe:00:00:00:00:01';
    const text = await become(
      {
        ...{
          state: 'conflict',
          holder: null,
          reason: `${stranger}, which is neither of the two, answers for it.`,
        },
        nodes: [
          node('north', { role: 'conflict', stranger, other_heard: false, revision_behind: 3 }),
          node('south', { role: 'failed', online: false, error: 'No interface for the floating address.' }),
        ],
      },
      /A stranger, fe:00:00:00:00:01, answers for 192\.0\.2\.10\/24 +⊘ conflict/,
    );
    expect(text).toMatch(/Role +⊘ conflict/);
    expect(text).toMatch(/Stranger +⊘ fe:00/);
    expect(text).toMatch(/Other +✗ not heard/);
    expect(text).toMatch(/Changes +! 3 still to come/);
    expect(text).toMatch(/Role +✗ failed/);
    expect(text).toMatch(/Error +No interface/);
    expect(text).toMatch(/Engine +○ offline/);
    await become(
      {
        nodes: [
          node('north', { role: 'holder' }),
          node('south', { role: null, online: false, other_heard: null }),
        ],
      },
      /· silent/,
    );
  });

  test('a switch asks, naming who loses the address and who gets it; the nodes stand where they stood', async () => {
    const told: Told = { pairs: [pair()], history: HISTORY };
    const { engine, frames: at } = await open(told);
    await openPair(at);
    at.press('s');
    await at.until('Switch office');
    expect(at.overlay).toContain('of office goes from north to south, with traffic flowing');
    at.press('n');
    await at.until((text) => !text.includes('Switch office'));
    expect(engine.asked).toEqual([]);
    at.press('s');
    await at.until('Switch office');
    at.press('y');
    const text = await at.until('south has 192.0.2.10/24 now.');
    expect(engine.asked).toEqual([['ha.switch', { vpn: 'office' }]]);
    expect(await at.until(/south has 192\.0\.2\.10\/24 +✓ ok/)).toMatch(
      /╭─ north ─+╮ +╭─ ● south ─+ has the address ─╮/,
    );
    expect(text).not.toContain('INTERNAL');
  });

  test('disabling asks, names the nodes, and then says how to begin again', async () => {
    const told: Told = { pairs: [pair()], history: HISTORY };
    const { engine, frames: at } = await open(told);
    await openPair(at);
    at.press('d');
    await at.until('Disable high availability of office');
    expect(at.overlay).toContain('is taken from north and south at once');
    at.press('y');
    expect(await at.until('office runs on one node')).toContain('--address CIDR\n');
    expect(engine.asked).toEqual([['ha.disable', { vpn: 'office' }]]);
    at.press('e');
    await at.until(': ha enable office --primary north --standby');
  });

  test('names who has not heard yet that it is disabled, until it has been read', async () => {
    const { frames: at } = await open({ pairs: [pair()], history: [], untold: ['south'] });
    await openPair(at);
    at.press('d');
    await at.until('Disable high availability of office');
    at.press('y');
    await at.until(/office is to run on (north|its node) alone/);
    await at.until((text) =>
      text
        .replaceAll(/\s+/g, ' ')
        .includes(
          '! south does not know of it yet: it goes on with office, and keeps 192.0.2.10/24 where it has it, until it is connected',
        ),
    );
  });

  test('enabling has the words of the pair filled in', async () => {
    const { frames: at } = await open({ pairs: [pair()], history: [] });
    await openPair(at);
    await at.until('It has not changed hands yet.');
    at.press('e');
    await at.until(': ha enable office --primary north --standby south --address 192.0.2.10/24');
  });

  test('names who has not heard yet that the whole service is no more', async () => {
    const { frames: at } = await open({ pairs: [], history: [], untold: ['north', 'south'] });
    at.press('8');
    await at.until('› VPN');
    await at.until('office');
    at.press('D');
    await at.until('The VPN service office ends at once');
    at.press('y');
    await at.until('office: removed.');
    await at.until(
      '! north and south do not know of it yet: they go on with office until they are connected',
    );
  });

  test('from the screen of its service', async () => {
    const { frames: at } = await open({ pairs: [pair()], history: HISTORY });
    at.press('8');
    await at.until('› VPN');
    await at.until('office');
    at.press('enter');
    await at.until('› VPN › office');
    at.press('h');
    await at.until('› VPN › office › HA of office');
    await at.until('north has 192.0.2.10/24');
    at.press('esc');
    await at.until((text) => text.includes('› office') && !text.includes('HA of office'));
  });

  test('is the last picture, and said to be, while the engine is away', async () => {
    const told: Told = { pairs: [pair()], history: HISTORY };
    const { engine, frames: at } = await open(told);
    await openPair(at);
    engine.goAway();
    const text = await at.until('What you see is from');
    expect(text).toContain('north has 192.0.2.10/24');
    told.pairs = [swapped(pair())];
    engine.comeBack();
    await at.until((now) => now.includes('south has 192.0.2.10/24') && !now.includes('What you see'));
  });

  test('is told in lines, and never how many clients come and go', async () => {
    const told: Told = { pairs: [pair()], history: HISTORY };
    const { frames: at } = await open(told, { columns: 100, rows: 60, reader: true });
    await openPair(at);
    const { view } = at.app;
    expect(view.tells).toBe(true);
    const before = view.plain?.() ?? [];
    expect(before).toContain('north has 192.0.2.10/24.');
    expect(before).toContain('north: holder, online, hears the other one');
    expect(view.list?.spoken()).toMatch(
      /why lost, from → to south → north, gap 1\.8 s, clients back 11 of 12; 1 of 3$/,
    );
    expect(before.join('\n')).not.toMatch(/12/);
  });
});

test('the overview names a pair that needs somebody, and leads to it', async () => {
  const reason = 'south is offline; nobody could take the address.';
  const { frames: at } = await open(
    { pairs: [pair({ state: 'degraded', reason })], history: HISTORY },
    { columns: 140, rows: 40 },
  );
  const text = await at.until('HA of office is degraded');
  expect(text).toMatch(/HA +! degraded office/);
  at.press('enter');
  await at.until('› overview › HA of office');
});

test('the palette finds the screen', async () => {
  const { frames: at } = await open({ pairs: [], history: [] });
  at.press('ctrl-p');
  at.write('HA');
  await at.until(/screen +HA/);
  expect(screens.byNoun.ha?.title).toBe('HA');
});
