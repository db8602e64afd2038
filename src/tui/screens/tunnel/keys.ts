import type { Bindings } from '../../keys/binding.ts';

export const tunnelKeys = {
  open: { keys: ['enter'], title: 'Open the device', hint: 'device' },
  shell: { keys: ['s'], title: 'Open a shell through it', hint: 'shell' },
  connect: { keys: ['n'], title: 'Bring the tunnel of a device up', hint: 'connect' },
  ports: { keys: ['p'], title: 'Set the ports that it may reach', hint: 'ports' },
  forward: { keys: ['f'], title: 'Forward a local port through it', hint: 'forward' },
  disconnect: { keys: ['d', 'delete'], title: 'Tear it down', hint: 'disconnect' },
} as const satisfies Bindings;
