import type { Bindings } from '../../keys/binding.ts';

export const sessionKeys = {
  open: { keys: ['enter'], title: 'Attach to the shell, or replay the recording', hint: 'attach, replay' },
  watch: { keys: ['w'], title: 'Watch the shell without typing into it', hint: 'watch' },
  export: { keys: ['e'], title: 'Write the recording to a file (asciicast)' },
  search: { keys: ['F'], title: 'Find text in recordings', hint: 'search' },
  kill: { keys: ['d', 'delete'], title: 'End the shell and what runs in it', hint: 'end' },
} as const satisfies Bindings;
