import type { Fleet, SiteView } from '../fleet.ts';
import type { Page } from '../page.ts';
import { loadColour, type Palette } from '../palette.ts';
import { type Lines, lineChart, lines, painted, setAlerts } from '../panels.ts';
import { bar, inColumns, rate, rateUnit } from '../text.ts';

/** Where it is: sites, and what goes over their networks. */
export const sitesPage = (fleet: Fleet): Page => ({
  title: 'Sites',
  build(place) {
    const { palette } = place;
    const sites = lines(place, 'Sites', { top: 0, left: 0, width: 7, height: 12 });
    const network = lineChart(
      place,
      'Network of all devices',
      { top: 0, left: 7, width: 5, height: 6 },
      { text: rate, unit: rateUnit },
    );
    const alerts = lines(place, 'Needs attention', { top: 6, left: 7, width: 5, height: 6 });
    return {
      elements: [sites.box, network.box, alerts.box],
      fill(now) {
        setSites(sites, fleet.sites(now), palette);
        network.set(
          fleet.points.map(({ at }) => at),
          [
            { title: 'In', values: fleet.points.map(({ received }) => received) },
            { title: 'Out', values: fleet.points.map(({ sent }) => sent) },
          ],
        );
        setAlerts(alerts, fleet.alerts(now), palette);
      },
    };
  },
});

export const setSites = (panel: Lines, sites: readonly SiteView[], palette: Palette): void => {
  const load = panel.columns >= 44 ? 14 : 6;
  const count = sites.reduce(
    (most, { online, devices }) => Math.max(most, `${online} of ${devices}`.length),
    6,
  );
  const name = Math.max(4, panel.columns - count - load - 3);
  const row = (site: string, online: string, cpu: string): string =>
    ` ${inColumns(site, name)} ${online.padStart(count)} ${cpu}`;
  if (sites.length === 0) {
    panel.set([inColumns(' No device is enrolled yet.', panel.columns)]);
    return;
  }
  panel.set([
    row('SITE', 'ONLINE', 'CPU'),
    ...sites.map(({ site, devices, online, cpu }) => {
      const text = cpu === null ? '-' : `${Math.round(cpu)}%`;
      const drawn = load > 6 && cpu !== null ? `${text.padEnd(5)}${bar(cpu, load - 5)}` : text;
      const colour = online === devices ? 'default' : online === 0 ? palette.bad : palette.warn;
      return painted(colour, row(site, `${online} of ${devices}`, '').trimEnd()).concat(
        ' ',
        painted(cpu === null ? 'default' : loadColour(palette, cpu), drawn),
      );
    }),
  ]);
};
