/**
 * The agent's log: one JSON object a line, on standard error and in a file a day that is removed when it is old. No
 * secret is ever handed to it; `redact` is the second lock on that door.
 */
import { closeSync, openSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { namesError } from '../protocol/errors.ts';
import type { Clock } from '../sys/clock.ts';

/** What the parts of the agent need of a logger. */
export interface AgentLog {
  debug(data: object, message: string): void;
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}

const FILE = /^borealis-agent-(\d{4}-\d{2}-\d{2})\.log$/;
const DAY_MS = 86_400_000;
const SECRETS = ['code', 'link', 'token', 'access_token', 'refresh_token', 'seed', 'secret', 'authorization'];

export interface LogOptions {
  /** Exists already. */
  readonly directory: string;
  readonly level: string;
  /** Days that files are kept. */
  readonly days: number;
  readonly clock: Clock;
  /** Standard error, or a test's. */
  readonly echo: { write(line: string): unknown };
}

export class AgentLogFile {
  readonly log: pino.Logger;
  readonly #options: LogOptions;
  #day = '';
  #file: number | undefined;

  constructor(options: LogOptions) {
    this.#options = options;
    this.log = pino(
      {
        level: options.level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        redact: {
          paths: SECRETS.flatMap((field) => [field, `*.${field}`]),
          censor: (value) => (namesError(value) ? value : '[secret]'),
        },
      },
      { write: (line: string) => this.#write(line) },
    );
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#day = '';
  }

  #write(line: string): void {
    this.#options.echo.write(line);
    try {
      this.#turnPage();
      if (this.#file !== undefined) writeSync(this.#file, line);
    } catch {
      // A full disk must not end the agent; standard error has the line.
    }
  }

  #turnPage(): void {
    const { clock, directory, days } = this.#options;
    const today = day(clock.now());
    if (today === this.#day) return;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = openSync(join(directory, `borealis-agent-${today}.log`), 'a', 0o600);
    this.#day = today;
    const oldest = day(clock.now() - days * DAY_MS);
    for (const name of readdirSync(directory))
      if ((FILE.exec(name)?.[1] ?? today) < oldest) unlinkSync(join(directory, name));
  }
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
