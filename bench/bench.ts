/** What a benchmark is: a name, a sentence, and a run that gives rows. One file each, listed in run.ts. */
import type { Row } from './row.ts';

export interface Settings {
  /** Agents on one engine. */
  readonly agents: number;
  /** Of each fault of a pair. */
  readonly rounds: number;
  /** Small sizes and few rounds: shows that it works, measures little. */
  readonly quick: boolean;
  /** Of a benchmark that has parts, this one alone. */
  readonly part: string | undefined;
}

export interface Ground {
  readonly settings: Settings;
  /** A directory of its own for each call, removed at the end. */
  directory(name: string): string;
  /** Progress, for people; goes to standard error. */
  say(message: string): void;
  /** Called in reverse order when all is done, also after a failure. */
  atEnd(close: () => void | Promise<void>): void;
}

export interface Benchmark {
  readonly name: string;
  readonly summary: string;
  run(ground: Ground): Promise<readonly Row[]>;
}
