import type { Bindings } from '../../keys/binding.ts';

/** In the list, of those selected or the one under the cursor; on the screen of a device, of that one. */
export const deviceActions = {
  shell: { keys: ['s'], title: 'Open a shell on it', hint: 'shell' },
  run: { keys: ['r'], title: 'Run a command on it', hint: 'run' },
  script: { keys: ['S'], title: 'Run a stored script on it', hint: 'script' },
  tag: { keys: ['t'], title: 'Set or remove tags', hint: 'tag' },
  site: { keys: ['i'], title: 'Put it into a site' },
  rename: { keys: ['R'], title: 'Give it another name' },
  connect: { keys: ['c'], title: 'Bring its tunnel up', hint: 'tunnel' },
  disconnect: { keys: ['C'], title: 'Tear its tunnel down' },
  ports: { keys: ['p'], title: 'Set the ports that its tunnel may reach' },
  quarantine: { keys: ['Q'], title: 'Quarantine it, or end its quarantine' },
  revoke: { keys: ['V'], title: 'Revoke its certificates; it must enrol again' },
  remove: { keys: ['D', 'delete'], title: 'Remove it with its history' },
} as const satisfies Bindings;
export type DeviceAction = keyof typeof deviceActions;

export const deviceListKeys = {
  enter: {
    keys: ['enter'],
    title: 'Open a shell on it; where it is offline, what is known of it',
    hint: 'shell',
  },
  open: { keys: ['right', 'l', 'v'], title: 'Open the device: inventory, charts, activity', hint: 'device' },
  ...deviceActions,
  shell: { keys: ['s'], title: 'Open a shell on it; on several that are selected, side by side' },
  add: { keys: ['n'], title: 'Make a code to enrol a new device', hint: 'enrol' },
  states: { keys: ['f'], title: 'Show only those of one state', hint: 'state' },
  columns: { keys: ['w'], title: 'Choose the columns', hint: 'columns' },
} as const satisfies Bindings;

export const deviceKeys = {
  enter: { keys: ['enter'], title: 'Open a shell, or come to the one that runs', hint: 'shell' },
  longer: { keys: ['-'], title: 'Charts over a longer span' },
  shorter: { keys: ['+', '='], title: 'Charts over a shorter span' },
  inventory: { keys: ['v'], title: 'Show the whole inventory', hint: 'inventory' },
  ...deviceActions,
  shell: { keys: ['s'], title: 'Open a shell on it' },
} as const satisfies Bindings;
