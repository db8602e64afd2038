/** All screens. A new one is a folder beside these, and a line here. */
import type { Screens, Tab } from '../app/screens.ts';
import { tabAt } from '../components/chrome.ts';
import { commandLine } from '../overlays/command-line.ts';
import { help } from '../overlays/help.ts';
import { palette } from '../overlays/palette.ts';
import { ApprovalList } from './approval/list.tsx';
import { AuditList } from './audit/list.ts';
import { CodeList } from './code/list.ts';
import { DeviceList } from './device/list.ts';
import { openDevice } from './device/open.ts';
import { PairList } from './ha/list.tsx';
import { JobList } from './job/list.ts';
import { openJob } from './job/open.ts';
import { OverviewScreen } from './overview/screen.tsx';
import { ScriptList } from './script/list.ts';
import { SessionList } from './session/list.ts';
import { lastShell } from './shell/open.ts';
import { TunnelList } from './tunnel/list.ts';
import { VpnList } from './vpn/list.ts';

const tabs: readonly Tab[] = [
  { noun: 'overview', title: 'Overview', short: 'Over', open: (app) => new OverviewScreen(app) },
  { noun: 'device', title: 'Devices', short: 'Dev', open: (app) => new DeviceList(app) },
  {
    noun: 'approval',
    title: 'Approvals',
    short: 'Appr',
    open: (app) => new ApprovalList(app),
    badge: ({ store }) => store.approvals.value?.filter(({ state }) => state === 'waiting').length ?? 0,
  },
  {
    noun: 'job',
    title: 'Jobs',
    open: (app) => new JobList(app),
    badge: ({ store }) => store.status.value?.jobs_running ?? 0,
  },
  { noun: 'script', title: 'Scripts', short: 'Scr', open: (app) => new ScriptList(app) },
  { noun: 'code', title: 'Codes', short: 'Code', open: (app) => new CodeList(app) },
  {
    noun: 'tunnel',
    title: 'Tunnels',
    short: 'Tun',
    open: (app) => new TunnelList(app),
    badge: ({ store }) => store.status.value?.tunnels ?? 0,
  },
  { noun: 'vpn', title: 'VPN', open: (app) => new VpnList(app) },
  { noun: 'session', title: 'Sessions', short: 'Sess', open: (app) => new SessionList(app) },
  { noun: 'audit', title: 'Audit', open: (app) => new AuditList(app) },
  {
    noun: 'ha',
    title: 'HA',
    open: (app) => new PairList(app),
    badge: ({ store }) =>
      store.pairs.value?.filter(({ state, flapping }) => state !== 'ok' || flapping).length ?? 0,
  },
];

export const screens: Screens = {
  tabs,
  byNoun: Object.fromEntries(tabs.map((tab) => [tab.noun, tab])),
  help,
  palette,
  command: (app) => commandLine(app),
  openDevice,
  openJob,
  lastShell,
  tabAt,
};
