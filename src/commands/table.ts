// Made by scripts/generate.ts from the files beside it.
import type { CommandEntry } from './manner/entry.ts';

export const commands: Readonly<Record<string, CommandEntry>> = {
  'device list': {
    summary: 'List devices, by name.',
    load: () => import('./device/list.ts'),
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
  status: {
    summary: 'Engine, store, listeners, devices, approvals and warnings at a glance.',
    load: () => import('./status.ts'),
  },
};
