import type { Bindings } from '../../keys/binding.ts';

export const sessionKeys = {
  open: { keys: ['enter'], title: 'Attach to the shell, or replay the recording', hint: 'attach, replay' },
  beside: {
    keys: ['b'],
    title: 'The selected shells side by side, and the next one where one is selected',
    hint: 'side by side',
  },
  watch: { keys: ['w'], title: 'Watch the shell without typing into it', hint: 'watch' },
  export: { keys: ['e'], title: 'Write the recording to a file (asciicast)' },
  search: { keys: ['F'], title: 'Find text in recordings', hint: 'search' },
  kill: { keys: ['d', 'delete'], title: 'End the shell and what runs in it', hint: 'end' },
} as const satisfies Bindings;
