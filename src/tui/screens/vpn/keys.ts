import type { Bindings } from '../../keys/binding.ts';

export const vpnKeys = {
  open: { keys: ['enter', 'right', 'l'], title: 'Open the service: its connections', hint: 'open' },
  create: { keys: ['n'], title: 'Make a VPN service', hint: 'new' },
  ha: { keys: ['h'], title: 'Its high availability: who has its address', hint: 'HA' },
  delete: { keys: ['D', 'delete'], title: 'Remove the service with all its connections' },
} as const satisfies Bindings;

export const connectionKeys = {
  config: { keys: ['enter', 'c'], title: 'Its configuration, as a QR code and as text', hint: 'QR, config' },
  add: { keys: ['n'], title: 'Add a client or a site', hint: 'add' },
  enable: { keys: ['e'], title: 'Shut it out at once, or let it in again', hint: 'on, off' },
  allow: { keys: ['a'], title: 'Set what it may reach', hint: 'allow' },
  ha: { keys: ['h'], title: 'High availability of the service: who has its address', hint: 'HA' },
  expires: { keys: ['x'], title: 'Set when it expires' },
  remove: { keys: ['D', 'delete'], title: 'Remove it' },
} as const satisfies Bindings;
