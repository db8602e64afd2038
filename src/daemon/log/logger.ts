/**
 * The engine's log: one JSON object a line, on standard error and in a file a day below logs/. Who follows the log
 * gets the same lines. No secret is ever handed to a logger; `redact` is the second lock on that door.
 */
import { mkdirSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import pino, { type DestinationStream, type Logger } from 'pino';
import { namesError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';

const FILE = /^borealisd-(\d{4}-\d{2}-\d{2})\.log$/;
const DAY_MS = 86_400_000;

export interface LogOptions {
  readonly directory: string;
  readonly level: string;
  readonly clock: Clock;
  /** Days that files are kept. */
  readonly retentionDays: () => number;
  /** Standard error; left out where nobody would read it. */
  readonly echo?: DestinationStream;
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Files of the log, oldest first. */
export const logFiles = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => FILE.test(name))
    .sort()
    .map((name) => join(directory, name));

/** A destination that begins a new file with each UTC day and removes those past retention. */
export class DailyLog implements DestinationStream {
  readonly #options: LogOptions;
  readonly #followers = new Set<(line: string) => void>();
  #day: string;
  #file: pino.DestinationStream & { reopen(path?: string): void; flushSync(): void; end(): void };

  constructor(options: LogOptions) {
    this.#options = options;
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    this.#day = day(options.clock.now());
    this.#file = pino.destination({ dest: this.#path(), sync: true, mode: 0o600 });
    this.prune();
  }

  get directory(): string {
    return this.#options.directory;
  }

  write(line: string): void {
    const today = day(this.#options.clock.now());
    if (today !== this.#day) {
      this.#day = today;
      this.#file.reopen(this.#path());
      this.prune();
    }
    this.#file.write(line);
    this.#options.echo?.write(line);
    for (const follower of this.#followers) follower(line);
  }

  follow(listener: (line: string) => void): () => void {
    this.#followers.add(listener);
    return () => this.#followers.delete(listener);
  }

  prune(): void {
    const oldest = day(this.#options.clock.now() - this.#options.retentionDays() * DAY_MS);
    for (const file of logFiles(this.directory)) {
      if (FILE.exec(file.slice(this.directory.length + 1))![1]! < oldest) unlinkSync(file);
    }
  }

  close(): void {
    this.#file.flushSync();
    this.#file.end();
  }

  #path(): string {
    return join(this.#options.directory, `borealisd-${this.#day}.log`);
  }
}

const SECRET_FIELDS = [
  'authorization',
  'dpop',
  'code',
  'link',
  'passphrase',
  'token',
  'access_token',
  'refresh_token',
  'secret',
  'seed',
  'private_key',
  'privateKey',
];

export const createLogger = (destination: DailyLog, level: string): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]),
        censor: (value) => (namesError(value) ? value : '[secret]'),
      },
    },
    destination,
  );
