/** What somebody should look at, the most pressing first, each with where to go. */
import { plural } from '../../../text/size.ts';
import { shorten } from '../../../text/width.ts';
import type { App } from '../../app/app.ts';
import { ago } from '../../components/age.ts';
import type { Role } from '../../grid/style.ts';
import { pairLook } from '../ha/look.ts';
import { openPair } from '../ha/open.ts';

export interface Concern {
  readonly id: string;
  readonly role: Role;
  readonly text: string;
  /** What to do about it. */
  readonly next: string;
  readonly go: (app: App) => void;
}

const FULL = 0.9;
const MOST_OF_A_KIND = 5;
/** Warnings of the engine that have a line of their own, which leads to their screen. */
const TOLD_HERE = new Set(['approvals_waiting', 'ha', 'signature_failures']);
/** How it went, and when, stands behind it. */
const TITLE = 30;
const JOBS_MS = 86_400_000;

export const concerns = (app: App): Concern[] => {
  const { status, approvals, jobs, devices, pairs } = app.store;
  const found: Concern[] = [];
  const waiting = (approvals.value ?? []).filter(({ state }) => state === 'waiting');
  const clashes = waiting.filter(({ conflict }) => conflict !== null);
  if (clashes.length > 0)
    found.push({
      id: 'clash',
      role: 'bad',
      text: `${plural(clashes.length, 'request')} to enrol ${clashes.length === 1 ? 'clashes' : 'clash'} with a device`,
      next: 'compare its key',
      go: (to) => to.go('approval'),
    });
  if (waiting.length > clashes.length)
    found.push({
      id: 'approvals',
      role: 'warn',
      text: `${plural(waiting.length - clashes.length, 'agent')} ${waiting.length - clashes.length === 1 ? 'waits' : 'wait'} for approval`,
      next: 'compare and decide',
      go: (to) => to.go('approval'),
    });
  for (const pair of pairs.value ?? []) {
    if (pair.state === 'switching' || (pair.state === 'ok' && !pair.flapping)) continue;
    const { role, word } = pairLook(pair);
    found.push({
      id: `ha ${pair.vpn}`,
      role,
      text: `HA of ${pair.vpn} is ${word}: ${pair.reason}`,
      next: 'see its nodes',
      go: (to) => openPair(to, pair.vpn),
    });
  }
  const known = status.value;
  if (known && known.signature_failures > 0)
    found.push({
      id: 'signatures',
      role: 'bad',
      text: `${plural(known.signature_failures, 'signature')} failed`,
      next: 'see the audit',
      go: (to) => to.go('audit'),
    });
  for (const { code, message, next } of known?.warnings ?? [])
    if (!TOLD_HERE.has(code))
      found.push({ id: code, role: 'warn', text: message, next, go: (to) => to.toasts.note(next) });
  const recent = (jobs.value ?? []).filter(
    ({ state, created_at }) => /failed|timed_out/.test(state) && app.now() - Date.parse(created_at) < JOBS_MS,
  );
  for (const { id, title, state, created_at } of recent.slice(0, MOST_OF_A_KIND))
    found.push({
      id: `job ${id}`,
      role: 'bad',
      text: `“${shorten(title, TITLE)}” ${state.replace('_', ' ')} ${ago(created_at, app.now())}`,
      next: 'see its output',
      go: (to) => to.screens.openJob(to, id),
    });
  const quarantined = known?.devices.quarantined ?? 0;
  if (quarantined > 0)
    found.push({
      id: 'quarantine',
      role: 'special',
      text: `${plural(quarantined, 'device')} in quarantine`,
      next: 'see which',
      go: (to) => showDevices(to, 'quarantined'),
    });
  let full = 0;
  for (const { guid, name, state } of devices.byGuid.values()) {
    if (full >= MOST_OF_A_KIND) break;
    const sample = state === 'online' ? app.store.measurements.newest(guid) : undefined;
    if (!sample) continue;
    const disk = sample.disk_total_bytes ? (sample.disk_used_bytes ?? 0) / sample.disk_total_bytes : 0;
    const memory = sample.memory_total_bytes > 0 ? sample.memory_used_bytes / sample.memory_total_bytes : 0;
    if (disk < FULL && memory < FULL) continue;
    full++;
    found.push({
      id: `full ${guid}`,
      role: 'warn',
      text:
        disk >= FULL
          ? `${name}: the disk is ${Math.round(disk * 100)}% full`
          : `${name}: ${Math.round(memory * 100)}% of its memory is in use`,
      next: 'see the device',
      go: (to) => to.screens.openDevice(to, guid),
    });
  }
  const offline = known?.devices.offline ?? 0;
  if (offline > 0)
    found.push({
      id: 'offline',
      role: 'muted',
      text: `${plural(offline, 'device')} offline`,
      next: 'see which',
      go: (to) => showDevices(to, 'offline'),
    });
  return found;
};

const showDevices = (app: App, filter: string): void => {
  app.go('device');
  if (app.view.list) app.view.list.filter = filter;
};
