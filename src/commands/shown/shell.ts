/** Shells that run, as people see them. */
import type { Shell } from '../../protocol/shell.ts';
import { counted } from '../../text/counted.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';
import type { Colour } from '../manner/paint.ts';
import { quoteForShell } from '../manner/words.ts';

const COLOURS: Readonly<Record<Shell['state'], Colour>> = {
  running: 'green',
  unreachable: 'yellow',
  ended: 'dim',
};

/** `ada, olaf (read-only)`. */
export const viewersText = (viewers: Shell['viewers']): string =>
  counted(viewers.map(({ user, read_only }) => (read_only ? `${user} (read-only)` : user)));

export const shellList = (out: Output): ListView<Shell> => ({
  columns: [
    { title: 'ID', value: ({ id }) => id },
    { title: 'DEVICE', value: ({ device }) => device, gives: true },
    { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => COLOURS[state] },
    { title: 'USER', value: ({ user }) => user, spare: true },
    { title: 'TITLE', value: ({ title }) => title, gives: true },
    { title: 'VIEWERS', value: ({ viewers }) => viewersText(viewers), gives: true },
    { title: 'RECORDED', value: ({ recorded }) => (recorded ? 'yes' : 'no'), spare: true },
    { title: 'BY', value: ({ started_by: by }) => by },
    { title: 'STARTED', value: ({ started_at: at }) => out.time(at) },
  ],
  name: ({ id }) => id,
  empty: 'No shell runs. Start one with: borealisctl shell DEVICE',
});

export const shellEvents = ['shell.started', 'shell.ended', 'shell.viewers'] as const;

/** What is typed to come back to it. */
export const attachCommand = ({ device, id }: Pick<Shell, 'device' | 'id'>): string =>
  `borealisctl shell ${quoteForShell(device)} --attach ${id}`;
