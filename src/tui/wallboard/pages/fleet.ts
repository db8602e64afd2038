import type { Fleet } from '../fleet.ts';
import type { Page } from '../page.ts';
import { loadColour } from '../palette.ts';
import { gauge, lines, loadChart, setAlerts, setEvents } from '../panels.ts';
import { setSites } from './sites.ts';

/** The whole at a glance. */
export const fleetPage = (fleet: Fleet): Page => ({
  title: 'Fleet',
  build(place) {
    const { palette } = place;
    const load = loadChart(place, { top: 0, left: 0, width: 8, height: 6 });
    const online = gauge(place, 'Online', { top: 0, left: 8, width: 4, height: 2 });
    const cpu = gauge(place, 'CPU', { top: 2, left: 8, width: 4, height: 2 });
    const memory = gauge(place, 'Memory', { top: 4, left: 8, width: 4, height: 2 });
    const sites = lines(place, 'Sites', { top: 6, left: 0, width: 4, height: 6 });
    const alerts = lines(place, 'Needs attention', { top: 6, left: 4, width: 4, height: 6 });
    const events = lines(place, 'Events', { top: 6, left: 8, width: 4, height: 6 });
    return {
      elements: [load.chart.box, online.box, cpu.box, memory.box, sites.box, alerts.box, events.box],
      fill(now) {
        load.set(fleet.points);
        const share = fleet.total === 0 ? null : (100 * fleet.online) / fleet.total;
        online.set(
          share,
          share === null || share >= 99 ? palette.good : share >= 90 ? palette.warn : palette.bad,
        );
        const last = fleet.points.at(-1);
        cpu.set(last?.cpu ?? null, loadColour(palette, last?.cpu ?? 0));
        memory.set(last?.memory ?? null, loadColour(palette, last?.memory ?? 0));
        setSites(sites, fleet.sites(now), palette);
        setAlerts(alerts, fleet.alerts(now), palette);
        setEvents(events, fleet.events, palette);
      },
    };
  },
});
