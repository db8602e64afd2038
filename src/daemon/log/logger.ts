/**
 * The engine's log: one JSON object a line, on standard error and in a file a day below logs/. Who follows the log
 * gets the same lines. No secret is ever handed to a logger; `redact` is the second lock on that door.
 */
import { closeSync, constants, mkdirSync, openSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import pino, { type DestinationStream, type LogFn, type Logger } from 'pino';
import { namesError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import { LineLimit } from './line-limit.ts';

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

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;

/**
 * A destination that begins a new file with each UTC day and removes those past retention. What the disk does not take
 * is lost to the file, never to those who follow or to standard error: no line is worth the engine.
 */
export class DailyLog implements DestinationStream {
  readonly #options: LogOptions;
  readonly #followers = new Set<(line: string) => void>();
  readonly limit: LineLimit;
  #day = '';
  #file: number | undefined;
  /** The disk took only the beginning of the last line. */
  #torn = false;

  constructor(options: LogOptions) {
    this.#options = options;
    this.limit = new LineLimit(options.clock);
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    this.#turnPage();
  }

  get directory(): string {
    return this.#options.directory;
  }

  write(line: string): void {
    this.#keep(line);
    this.#options.echo?.write(line);
    for (const follower of this.#followers) follower(line);
  }

  #keep(line: string): void {
    try {
      this.#turnPage();
      const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
      const taken = writeSync(this.#file!, bytes);
      this.#torn = taken > 0 ? taken < bytes.length : this.#torn;
    } catch {
      // The disk is full, most likely; doctor and every change that is refused say so.
    }
  }

  #turnPage(): void {
    const today = day(this.#options.clock.now());
    if (today === this.#day && this.#file !== undefined) return;
    const file = openSync(this.#path(today), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = file;
    this.#day = today;
    this.prune();
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
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #path(today: string): string {
    return join(this.#options.directory, `borealisd-${today}.log`);
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
      hooks: { logMethod: withinLimit(destination.limit) },
    },
    destination,
  );

/** The end of the engine is always told; so is what somebody asked for by a level that is more talkative than usual. */
const UNLIMITED = (level: number): boolean =>
  level < pino.levels.values.info! || level >= pino.levels.values.fatal!;

const withinLimit = (limit: LineLimit) =>
  function logMethod(this: Logger, args: Parameters<LogFn>, method: LogFn, level: number): void {
    for (const { kind, lines } of limit.leftOut())
      method.call(this, { left_out: lines, like: kind }, 'lines were left out, being too many of one kind');
    const kind = args.find((argument) => typeof argument === 'string') ?? '';
    if (UNLIMITED(level) || limit.admit(kind)) method.apply(this, args);
  };
