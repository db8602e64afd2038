/** A row of the command table: what the launcher knows of a command without loading it. */
import type { BorealisCommand } from './command.ts';

export type CommandClass = typeof BorealisCommand & {
  new (...args: ConstructorParameters<typeof BorealisCommand>): BorealisCommand;
};

export interface CommandEntry {
  readonly summary: string;
  /** For scripts of ours, not for people: left out of help and completion. */
  readonly hidden?: true;
  load(): Promise<{ readonly default: CommandClass }>;
}
