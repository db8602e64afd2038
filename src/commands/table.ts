// Made by scripts/generate.ts from the files beside it.
import type { CommandEntry } from './manner/entry.ts';

export const commands: Readonly<Record<string, CommandEntry>> = {
  'approval approve': {
    summary: 'Approve an agent that waits: it becomes a device.',
    load: () => import('./approval/approve.ts'),
  },
  'approval deny': {
    summary: 'Deny an agent that waits; it is told, and stops asking.',
    load: () => import('./approval/deny.ts'),
  },
  'approval list': {
    summary: 'List the agents that wait for approval.',
    load: () => import('./approval/list.ts'),
  },
  'approval show': {
    summary: 'Show an agent that waits: what to compare, and how to decide.',
    load: () => import('./approval/show.ts'),
  },
  'audit list': {
    summary: 'List changes: who did what to what, and how it ended; newest first.',
    load: () => import('./audit/list.ts'),
  },
  'audit verify': {
    summary: 'Recompute the whole chain of changes, and name the first break.',
    load: () => import('./audit/verify.ts'),
  },
  'backup create': {
    summary: 'Write store and keys to a file, sealed with a passphrase, while the engine runs.',
    load: () => import('./backup/create.ts'),
  },
  'backup restore': {
    summary: 'Put a backup in place of the present state, after showing what it holds.',
    load: () => import('./backup/restore.ts'),
  },
  'backup verify': {
    summary: 'Open a backup, check every byte of it and the store in it, and say what it holds.',
    load: () => import('./backup/verify.ts'),
  },
  'code create': {
    summary: 'Make an enrolment code: a link with which an agent asks to be managed.',
    load: () => import('./code/create.ts'),
  },
  'code list': {
    summary: 'List enrolment codes, newest first.',
    load: () => import('./code/list.ts'),
  },
  'code revoke': {
    summary: 'Revoke an enrolment code; devices that it enrolled stay.',
    load: () => import('./code/revoke.ts'),
  },
  completion: {
    summary: 'Print the completion script of a shell; it completes names and ids too.',
    load: () => import('./completion.ts'),
  },
  'completion names': {
    summary: 'Names and ids that can follow in a command line, for completion.',
    hidden: true,
    load: () => import('./completion/names.ts'),
  },
  'config check': {
    summary: 'Check a configuration file and this environment for mistakes; the engine need not run.',
    load: () => import('./config/check.ts'),
  },
  'config get': {
    summary: 'Print the value of a setting.',
    load: () => import('./config/get.ts'),
  },
  'config set': {
    summary: "Write a setting to the engine's configuration file, keeping its comments.",
    load: () => import('./config/set.ts'),
  },
  'config show': {
    summary: 'Show every setting, its value in force and where that came from.',
    load: () => import('./config/show.ts'),
  },
  'connection add': {
    summary: 'Add a client, or a site with networks behind it, to a VPN service.',
    load: () => import('./connection/add.ts'),
  },
  'connection change': {
    summary: 'Change what a connection may reach, and until when; at once, on live traffic.',
    load: () => import('./connection/change.ts'),
  },
  'connection config': {
    summary: 'The configuration for the WireGuard of a client; its private key is shown once.',
    load: () => import('./connection/config.ts'),
  },
  'connection disable': {
    summary: 'Shut a connection out, at once, until it is enabled.',
    load: () => import('./connection/disable.ts'),
  },
  'connection enable': {
    summary: 'Let a connection in again, at once.',
    load: () => import('./connection/enable.ts'),
  },
  'connection list': {
    summary: 'List the connections of a VPN service, by name.',
    load: () => import('./connection/list.ts'),
  },
  'connection qr': {
    summary: 'The configuration of a client as a QR code, for the WireGuard app of a phone.',
    load: () => import('./connection/qr.ts'),
  },
  'connection remove': {
    summary: 'Remove a connection, at once; its address is given to nobody else.',
    load: () => import('./connection/remove.ts'),
  },
  'connection show': {
    summary: 'Show a connection: what it may reach, and what it carried.',
    load: () => import('./connection/show.ts'),
  },
  cp: {
    summary: 'Copy files and directories to or from a device, through its tunnel.',
    load: () => import('./cp.ts'),
  },
  'daemon restart': {
    summary: 'Stop the engine, start it again and wait until it answers.',
    load: () => import('./daemon/restart.ts'),
  },
  'daemon run': {
    summary: 'Run the engine in the foreground; it prints its log until Ctrl-C.',
    load: () => import('./daemon/run.ts'),
  },
  'daemon start': {
    summary: 'Start the engine in the background and wait until it answers.',
    load: () => import('./daemon/start.ts'),
  },
  'daemon stop': {
    summary: 'Stop the engine and wait until it has ended.',
    load: () => import('./daemon/stop.ts'),
  },
  dashboard: {
    summary: 'Watch and work on the whole fleet in one full screen.',
    load: () => import('./dashboard.ts'),
  },
  'device inventory': {
    summary: 'Show what a device is made of, as it last said itself.',
    load: () => import('./device/inventory.ts'),
  },
  'device list': {
    summary: 'List devices, by name.',
    load: () => import('./device/list.ts'),
  },
  'device quarantine': {
    summary: 'Cut devices off from commands at once, and keep their enrolment.',
    load: () => import('./device/quarantine.ts'),
  },
  'device release': {
    summary: 'End the quarantine of devices.',
    load: () => import('./device/release.ts'),
  },
  'device remove': {
    summary: 'Revoke devices and forget them, with all they ever measured.',
    load: () => import('./device/remove.ts'),
  },
  'device rename': {
    summary: 'Give a device another name; its GUID and history stay.',
    load: () => import('./device/rename.ts'),
  },
  'device revoke': {
    summary: 'Withdraw the certificates and tokens of devices at once and for good.',
    load: () => import('./device/revoke.ts'),
  },
  'device show': {
    summary: 'Show a device: its state, its agents, what it is made of and how it fares.',
    load: () => import('./device/show.ts'),
  },
  'device tag': {
    summary: 'Set and remove tags, and the site, of devices.',
    load: () => import('./device/tag.ts'),
  },
  doctor: {
    summary: 'Check this machine and the engine; name what is wrong, each with its remedy.',
    load: () => import('./doctor.ts'),
  },
  'event list': {
    summary: 'List what happened, to everything or to one device; newest first.',
    load: () => import('./event/list.ts'),
  },
  'event watch': {
    summary: 'Watch what happens, as it happens.',
    load: () => import('./event/watch.ts'),
  },
  'ha disable': {
    summary: 'Take the address away; the VPN service runs on its node alone again.',
    load: () => import('./ha/disable.ts'),
  },
  'ha enable': {
    summary: 'Run a VPN service on two devices, with an address that one of them has.',
    load: () => import('./ha/enable.ts'),
  },
  'ha history': {
    summary: 'List when the address changed hands, why, and how long nobody was there; newest first.',
    load: () => import('./ha/history.ts'),
  },
  'ha list': {
    summary: 'List the pairs of devices that share an address, by VPN service.',
    load: () => import('./ha/list.ts'),
  },
  'ha show': {
    summary: 'Show who has the address of a VPN service, and who would take it.',
    load: () => import('./ha/show.ts'),
  },
  'ha switch': {
    summary: 'Give the address to the other device, with traffic flowing.',
    load: () => import('./ha/switch.ts'),
  },
  'job cancel': {
    summary: 'Cancel what of a job has not finished; running commands are ended.',
    load: () => import('./job/cancel.ts'),
  },
  'job list': {
    summary: 'List jobs, newest first.',
    load: () => import('./job/list.ts'),
  },
  'job retry': {
    summary: 'Run the work of a job again where it did not succeed.',
    load: () => import('./job/retry.ts'),
  },
  'job show': {
    summary: 'Show a job: each device, what came of it there, and its output.',
    load: () => import('./job/show.ts'),
  },
  'job watch': {
    summary: 'Watch a job: its output so far, then as it is made, until its end.',
    load: () => import('./job/watch.ts'),
  },
  log: {
    summary: "Show the last lines of the engine's log, and follow it.",
    load: () => import('./log.ts'),
  },
  quickstart: {
    summary: 'Everything on this machine, step by step: engine, agent, approval, inventory, a signed script.',
    load: () => import('./quickstart.ts'),
  },
  run: {
    summary: 'Run a command on devices now, its output streamed.',
    load: () => import('./run.ts'),
  },
  'script add': {
    summary: 'Store a script with the engine, signed, to be run by name.',
    load: () => import('./script/add.ts'),
  },
  'script list': {
    summary: 'List scripts, by name.',
    load: () => import('./script/list.ts'),
  },
  'script remove': {
    summary: 'Forget a script.',
    load: () => import('./script/remove.ts'),
  },
  'script run': {
    summary: 'Run a stored script on devices, its output streamed.',
    load: () => import('./script/run.ts'),
  },
  'script show': {
    summary: 'Show a script.',
    load: () => import('./script/show.ts'),
  },
  'service install': {
    summary: 'Install engine or agent as a service that starts at boot.',
    load: () => import('./service/install.ts'),
  },
  'service status': {
    summary: 'Show whether engine or agent is installed as a service, and how it is.',
    load: () => import('./service/status.ts'),
  },
  'service uninstall': {
    summary: 'Remove the service of engine or agent without a trace.',
    load: () => import('./service/uninstall.ts'),
  },
  'session export': {
    summary: 'Write a recorded session to a file that asciinema plays (asciicast v2).',
    load: () => import('./session/export.ts'),
  },
  'session list': {
    summary: 'List recorded sessions, newest first.',
    load: () => import('./session/list.ts'),
  },
  'session replay': {
    summary: 'Replay a recorded session in this terminal, at its own pace or faster.',
    load: () => import('./session/replay.ts'),
  },
  'session search': {
    summary: 'Find text in what recorded sessions showed, newest session first.',
    load: () => import('./session/search.ts'),
  },
  'session show': {
    summary: 'Show a recorded session: where, who, when, how it ended.',
    load: () => import('./session/show.ts'),
  },
  shell: {
    summary: 'A login shell on a device, in this terminal; it goes on when you leave it.',
    load: () => import('./shell.ts'),
  },
  'shell kill': {
    summary: 'End a shell and what runs in it; its recording stays.',
    load: () => import('./shell/kill.ts'),
  },
  'shell list': {
    summary: 'List shells that run, and who watches each.',
    load: () => import('./shell/list.ts'),
  },
  status: {
    summary: 'Engine, store, listeners, devices, approvals and warnings at a glance.',
    load: () => import('./status.ts'),
  },
  'telemetry show': {
    summary: 'Show what a device measured: charts and a table.',
    load: () => import('./telemetry/show.ts'),
  },
  'telemetry watch': {
    summary: 'Watch measurements as they arrive, of some devices or of all.',
    load: () => import('./telemetry/watch.ts'),
  },
  'tunnel connect': {
    summary: 'Bring the tunnel of a device up, or join the one that is up.',
    load: () => import('./tunnel/connect.ts'),
  },
  'tunnel disconnect': {
    summary: 'Tear the tunnel of a device down, for everybody who uses it.',
    load: () => import('./tunnel/disconnect.ts'),
  },
  'tunnel forward': {
    summary: 'Give a port of a device to programs here: ssh, a browser, a database client.',
    load: () => import('./tunnel/forward.ts'),
  },
  'tunnel list': {
    summary: 'List the tunnels that are up, by device.',
    load: () => import('./tunnel/list.ts'),
  },
  'tunnel ports': {
    summary: 'Show or set the ports of a device that its tunnel may reach.',
    load: () => import('./tunnel/ports.ts'),
  },
  'tunnel status': {
    summary: 'Show the tunnel of a device: by which way, since when, who uses it.',
    load: () => import('./tunnel/status.ts'),
  },
  'user grant': {
    summary: 'Give a Unix user or @group a role.',
    load: () => import('./user/grant.ts'),
  },
  'user list': {
    summary: 'List who has which role.',
    load: () => import('./user/list.ts'),
  },
  'user me': {
    summary: 'Show who the engine takes you for.',
    load: () => import('./user/me.ts'),
  },
  'user revoke': {
    summary: 'Take a role away.',
    load: () => import('./user/revoke.ts'),
  },
  'vpn create': {
    summary: 'Make a VPN service on this engine’s host or on a device: WireGuard for people and sites.',
    load: () => import('./vpn/create.ts'),
  },
  'vpn delete': {
    summary: 'Remove a VPN service with all its connections.',
    load: () => import('./vpn/delete.ts'),
  },
  'vpn list': {
    summary: 'List the VPN services, by name.',
    load: () => import('./vpn/list.ts'),
  },
  'vpn show': {
    summary: 'Show a VPN service: where it is reached, and where it leads.',
    load: () => import('./vpn/show.ts'),
  },
  'vpn status': {
    summary: 'Show a VPN service and who is connected: handshakes, bytes, endpoints.',
    load: () => import('./vpn/status.ts'),
  },
  wallboard: {
    summary: 'Charts for a screen on a wall: load, sites, alerts, events. It needs no keys.',
    load: () => import('./wallboard.ts'),
  },
};
