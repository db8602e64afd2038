/** `borealisctl --version`. */
import { VERSION } from '../../protocol/version.ts';
import { asksForJson } from './command.ts';

export const showVersion = (argv: readonly string[]): void => {
  process.stdout.write(
    asksForJson(argv) ? `${JSON.stringify({ version: VERSION })}\n` : `borealisctl ${VERSION}\n`,
  );
};
