/** Keys that work on every screen. */
import type { Bindings } from './binding.ts';

export const globalKeys = {
  help: { keys: ['?', 'f1'], title: 'Show the keys that work here', hint: 'keys' },
  palette: {
    keys: ['ctrl-p', 'ctrl-k'],
    title: 'Find any action, screen, command or device by its name',
    hint: 'find',
  },
  command: { keys: [':'], title: 'Type any command of borealisctl, with completion (Tab)', hint: 'command' },
  filter: { keys: ['/'], title: 'Filter what is shown', hint: 'filter' },
  back: { keys: ['esc', 'backspace'], title: 'Back, or close what is open' },
  next: { keys: ['tab', ']'], title: 'Next screen' },
  previous: { keys: ['shift-tab', '['], title: 'Previous screen' },
  reload: { keys: ['ctrl-r', 'f5'], title: 'Ask the engine for everything anew' },
  redraw: { keys: ['ctrl-l'], title: 'Draw the whole screen again' },
  theme: { keys: ['T'], title: 'Change between the dark and the light theme' },
  shell: { keys: ['ctrl-]'], title: 'Back to the shell that was left last; in the shell: back to here' },
  dismiss: { keys: ['x'], title: 'Take messages away' },
  quit: { keys: ['q', 'ctrl-c'], title: 'Leave the dashboard', hint: 'quit' },
} as const satisfies Bindings;
export type GlobalAction = keyof typeof globalKeys;

/** In a narrow footer these give way to the keys of the screen, the first of them first; `?` shows them all. */
export const givingWay: readonly GlobalAction[] = ['palette', 'command', 'filter', 'quit'];

/** In every list. */
export const listKeys = {
  down: { keys: ['down', 'j'], title: 'One line down' },
  up: { keys: ['up', 'k'], title: 'One line up' },
  pageDown: { keys: ['pagedown', 'ctrl-f', 'ctrl-d'], title: 'A page down' },
  pageUp: { keys: ['pageup', 'ctrl-b', 'ctrl-u'], title: 'A page up' },
  first: { keys: ['home', 'g'], title: 'To the first line' },
  last: { keys: ['end', 'G'], title: 'To the last line' },
  mark: { keys: ['space'], title: 'Select the line, for doing the same to several' },
  markAll: { keys: ['ctrl-a', '*'], title: 'Select all that are shown, or none' },
  sort: { keys: ['o'], title: 'Order by the next column' },
  reverse: { keys: ['O'], title: 'Turn the order around' },
} as const satisfies Bindings;
export type ListAction = keyof typeof listKeys;
