/** The fleet in one look: how many, in which state, at which sites, how busy. */
import { bytes, plural } from '../../../text/size.ts';
import { span } from '../../../text/time.ts';
import { width, wrap } from '../../../text/width.ts';
import type { App } from '../../app/app.ts';
import { shareLook } from '../../components/chart.ts';
import { BOLD, type Role, stateMark, stateRole, style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';
import { marked, stateLook } from '../ha/look.ts';

const STATES = ['online', 'offline', 'quarantined', 'revoked'] as const;

export const drawHealth = (surface: Surface, app: App, sites: readonly SiteCount[]): void => {
  const status = app.store.status.value;
  if (!status) {
    const { error } = app.store.status;
    const lines = wrap(error ? `${error.message} ${error.next}` : 'Asking the engine…', surface.width);
    for (const [y, line] of lines.entries()) surface.text(0, y, line, style('muted'));
    return;
  }
  const { total } = status.devices;
  let x = surface.text(0, 0, total.toLocaleString('en'), style('text', 'page', BOLD));
  x += surface.text(x, 0, total === 1 ? ' device ' : ' devices ', style('muted'));
  surface.text(
    x,
    0,
    `  engine ${status.version}, up ${span(status.uptime_seconds < 60 ? status.uptime_seconds : Math.floor(status.uptime_seconds / 60) * 60)}, store ${bytes(status.store.size_bytes)}`,
    style('faint'),
  );
  if (total > 0) drawStates(surface, status.devices, total);
  let y = total > 0 ? 4 : 2;
  surface.pieces(0, y++, [
    { text: 'Jobs     ', style: style('muted') },
    { text: `${status.jobs_running} running`, style: style(status.jobs_running > 0 ? 'accent' : 'text') },
    { text: `, ${status.jobs_queued} queued`, style: style(status.jobs_queued > 0 ? 'warn' : 'muted') },
    { text: status.tunnels > 0 ? `   ${plural(status.tunnels, 'tunnel')}` : '', style: style('accent') },
  ]);
  for (const { vpn, state } of status.ha) {
    const look = stateLook(state);
    surface.pieces(0, y++, [
      { text: 'HA       ', style: style('muted') },
      { text: marked(look), style: style(look.role) },
      { text: ` ${vpn}` },
    ]);
  }
  y++;
  for (const { site, total: count, online, cpu } of sites.slice(0, Math.max(0, surface.height - y))) {
    surface.text(0, y, site, style(), 16);
    const columns = Math.max(6, Math.min(30, surface.width - 34));
    drawShare(surface, 18, y, columns, online / count);
    surface.text(19 + columns, y, `${online}/${count}`, style('muted'));
    if (cpu !== undefined && surface.width > 50)
      surface.text(surface.width - 8, y, `cpu ${cpu}%`.padStart(8), shareLook(cpu / 100));
    y++;
  }
};

const drawStates = (
  surface: Surface,
  devices: Readonly<Record<(typeof STATES)[number], number>>,
  total: number,
): void => {
  let x = 0;
  for (const [index, state] of STATES.entries()) {
    const count = devices[state];
    if (count === 0) continue;
    const columns = Math.max(1, Math.round((count / total) * surface.width));
    surface.text(x, 1, '█'.repeat(Math.min(columns, surface.width - x)), style(stateRole(state)));
    x += columns;
    if (index === STATES.length - 1 || x >= surface.width) break;
  }
  x = 0;
  const shown = STATES.filter((state) => devices[state] > 0 || state === 'online' || state === 'offline');
  const words = shown.reduce(
    (sum, state) => sum + `● ${devices[state].toLocaleString('en')} ${state}   `.length,
    -3,
  );
  for (const state of shown) {
    const name = words <= surface.width ? ` ${state}` : '';
    const text = `${stateMark(state)} ${devices[state].toLocaleString('en')}${name}`;
    surface.text(x, 2, text, style(stateRole(state)));
    x += width(text) + 3;
  }
};

const drawShare = (surface: Surface, x: number, y: number, columns: number, share: number): void => {
  const full = Math.round(columns * share);
  const role: Role = share === 1 ? 'good' : share >= 0.9 ? 'accent' : share >= 0.5 ? 'warn' : 'bad';
  surface.text(x, y, '━'.repeat(full), style(role));
  surface.text(x + full, y, '─'.repeat(columns - full), style('faint'));
};

export interface SiteCount {
  readonly site: string;
  readonly total: number;
  readonly online: number;
  /** Average, in percent, of those that measured. */
  readonly cpu: number | undefined;
}

/** The largest first. */
export const countSites = (app: App): SiteCount[] => {
  const sites = new Map<string, { total: number; online: number; cpu: number; measured: number }>();
  for (const { guid, site, state } of app.store.devices.byGuid.values()) {
    if (state === 'revoked') continue;
    const key = site ?? '(no site)';
    const count = sites.get(key) ?? { total: 0, online: 0, cpu: 0, measured: 0 };
    sites.set(key, count);
    count.total++;
    if (state !== 'online') continue;
    count.online++;
    const cpu = app.store.measurements.cpuNow(guid);
    if (cpu === undefined) continue;
    count.cpu += cpu;
    count.measured++;
  }
  return [...sites]
    .map(([site, { total, online, cpu, measured }]) => ({
      site,
      total,
      online,
      cpu: measured > 0 ? Math.round(cpu / measured) : undefined,
    }))
    .sort((a, b) => b.total - a.total || (a.site < b.site ? -1 : 1));
};
