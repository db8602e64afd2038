import type { Fleet, Load } from '../fleet.ts';
import type { Page } from '../page.ts';
import { loadColour, type Palette } from '../palette.ts';
import { type Lines, lines, painted, setEvents } from '../panels.ts';
import { bar, inColumns } from '../text.ts';

/** Which machines work hardest, and which are nearly full. */
export const busiestPage = (fleet: Fleet): Page => ({
  title: 'Busiest',
  build(place) {
    const { palette } = place;
    const cpu = lines(place, 'CPU', { top: 0, left: 0, width: 4, height: 8 });
    const memory = lines(place, 'Memory', { top: 0, left: 4, width: 4, height: 8 });
    const disk = lines(place, 'Disk', { top: 0, left: 8, width: 4, height: 8 });
    const events = lines(place, 'Events', { top: 8, left: 0, width: 12, height: 4 });
    return {
      elements: [cpu.box, memory.box, disk.box, events.box],
      fill(now) {
        const loads = fleet.loads(now);
        setMost(cpu, loads, (load) => load.cpu, palette);
        setMost(memory, loads, (load) => load.memory, palette);
        setMost(disk, loads, (load) => load.disk, palette);
        setEvents(events, fleet.events, palette);
      },
    };
  },
});

const setMost = (
  panel: Lines,
  loads: readonly Load[],
  value: (load: Load) => number | null,
  palette: Palette,
): void => {
  const drawn = Math.max(4, Math.floor(panel.columns / 3));
  const name = panel.columns - drawn - 7;
  const rows = loads
    .map((load) => ({ name: load.device.name, percent: value(load) }))
    .filter((row): row is { name: string; percent: number } => row.percent !== null)
    .sort((a, b) => b.percent - a.percent || (a.name < b.name ? -1 : 1))
    .slice(0, panel.rows);
  panel.set(
    rows.length === 0
      ? [inColumns(' Waits for measurements.', panel.columns)]
      : rows.map(
          ({ name: device, percent }) =>
            ` ${inColumns(device, name)} ${painted(loadColour(palette, percent), bar(percent, drawn))}${`${Math.round(percent)}%`.padStart(5)}`,
        ),
  );
};
