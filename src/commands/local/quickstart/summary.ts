/** What there is now, and what to try next. */
import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import type { Device } from '../../../protocol/device.ts';
import type { Status } from '../../../protocol/engine.ts';
import type { Output } from '../../manner/output.ts';
import { checkoutState, programRoot } from '../../manner/program.ts';
import { plural } from '../../manner/size.ts';
import { facts } from '../../manner/table.ts';
import { pad } from '../../manner/text.ts';
import type { QuickstartPlace } from './place.ts';

export const showSummary = (
  out: Output,
  place: QuickstartPlace,
  status: Status,
  device: Device,
  inTunnel: boolean,
): void => {
  const program = programName();
  const { devices } = status;
  out.line(`\n${out.paint('bold', 'Summary')}`);
  out.lines(
    facts(
      [
        ['Engine', `ready, version ${status.version}, process ${status.pid}`, 'green'],
        ['Devices', `${plural(devices.total, 'device')}, ${devices.online} online`],
        ['This machine', `${device.name}, ${device.os} ${device.arch}`],
        ['State', place.root],
      ],
      out.paint,
    ).map((line) => `   ${line}`),
  );
  out.line(`\n${out.paint('bold', 'Try next')}`);
  if (place.root !== checkoutState()) out.line(`   export BOREALIS_SOCKET=${place.socket}`);
  const tries: readonly (readonly [string, string])[] = [
    ['status', 'the engine at a glance'],
    [`run ${device.name} -- uptime`, 'a command on this machine, signed'],
    ['dashboard', 'the whole fleet on one screen'],
    ...(inTunnel ? ([[`shell ${device.name}`, 'a shell on it; Ctrl-] d leaves it']] as const) : []),
    [`telemetry watch ${device.name}`, 'what it measures, as it arrives'],
    ['event watch', 'what happens, as it happens'],
    ['code create --qr', 'a link that enrols another device'],
    ['audit list', 'who changed what'],
    ['--help', 'everything else'],
  ];
  const widest = Math.max(...tries.map(([command]) => command.length));
  for (const [command, text] of tries)
    out.line(`   ${program} ${pad(command, widest + 3)}${out.paint('dim', text)}`);
  out.line(`\nEnd it with: ${program} quickstart --down`);
};

/** What to type here: the bare name where the shell finds this very program by it. */
const programName = (): string => {
  const launcher = join(programRoot(), 'bin', 'borealisctl');
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, 'borealisctl');
    try {
      accessSync(candidate, constants.X_OK);
      if (realpathSync(candidate) === realpathSync(launcher)) return 'borealisctl';
      break;
    } catch {
      // not in this folder; the next may have it
    }
  }
  const near = relative(process.cwd(), launcher);
  return near.startsWith('..') ? launcher : near;
};
