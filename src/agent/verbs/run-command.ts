import { runCommandArgs } from '../../protocol/verb.ts';
import { runProcess } from './process.ts';
import { defineVerb } from './verb.ts';

/** A program and its arguments; no shell in between. */
export const runCommand = defineVerb({
  name: 'run_command',
  args: runCommandArgs,
  run: ({ argv: [file = '', ...args] }, context) => runProcess(file, args, context),
});
