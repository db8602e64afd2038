import type { Bindings } from '../../keys/binding.ts';

export const haListKeys = {
  open: {
    keys: ['enter', 'right', 'l'],
    title: 'Open the pair: its two nodes and its switches',
    hint: 'open',
  },
  switch: { keys: ['s'], title: 'Give the address to the other node', hint: 'switch' },
  enable: { keys: ['n'], title: 'Run a VPN service on two devices', hint: 'new' },
  disable: {
    keys: ['d', 'delete'],
    title: 'Take the address away: the service runs on its node alone again',
  },
} as const satisfies Bindings;

export const haKeys = {
  device: { keys: ['enter'], title: 'Open the device that the address went to', hint: 'device' },
  switch: { keys: ['s'], title: 'Give the address to the other node', hint: 'switch' },
  enable: { keys: ['n', 'e'], title: 'Run the VPN service on two devices', hint: 'new' },
  disable: {
    keys: ['d', 'delete'],
    title: 'Take the address away: the service runs on its node alone again',
    hint: 'disable',
  },
} as const satisfies Bindings;
