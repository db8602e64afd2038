/** `log.read`: the last lines that match, then new ones. */
import { open } from 'node:fs/promises';
import { type LogLine, logLine } from '../../protocol/engine.ts';
import type { Call, Handlers, ParsedInputOf } from '../capability.ts';
import { type DailyLog, logFiles } from './logger.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
/** Lines that may wait for a slow reader; older ones are dropped, and a line says so. */
const WAITING_LIMIT = 10_000;
const BLOCK_BYTES = 262_144;

type Filter = Pick<ParsedInputOf<'log.read'>, 'component' | 'level'>;

export const logOperations = ({ log }: { log: DailyLog }): Handlers<'log.read'> => ({
  'log.read': (input, call) => readLog(log, input, call),
});

async function* readLog(
  log: DailyLog,
  input: ParsedInputOf<'log.read'>,
  call: Call,
): AsyncGenerator<LogLine> {
  const fresh: LogLine[] = [];
  let dropped = 0;
  let wake = () => {};
  // Following begins before the files are read, so that no line is lost; a line written while they are read may be in
  // both, so what follows is compared with the newest line of the files.
  const unfollow = input.follow
    ? log.follow((text) => {
        const line = parseLine(text);
        if (!line || !matches(line, input)) return;
        if (fresh.length >= WAITING_LIMIT) dropped++;
        else fresh.push(line);
        wake();
      })
    : () => {};
  call.signal.addEventListener('abort', () => wake(), { once: true });
  try {
    const last = await lastLines(log.directory, input);
    const known = new Set(last.slice(-fresh.length - 1).map((line) => JSON.stringify(line)));
    yield* last;
    while (input.follow && !call.signal.aborted) {
      while (fresh.length > 0) {
        const line = fresh.shift()!;
        if (known.size === 0 || !known.has(JSON.stringify(line))) yield line;
      }
      known.clear();
      if (dropped > 0) {
        yield leftOut(dropped);
        dropped = 0;
      }
      if (fresh.length > 0 || call.signal.aborted) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    unfollow();
  }
}

const leftOut = (lines: number): LogLine => ({
  time: new Date().toISOString(),
  level: 'warn',
  component: 'log',
  msg: `${lines} lines were left out: the reader was too slow`,
});

/** The last lines that match, oldest first; files are read from their end, newest file first. */
const lastLines = async (directory: string, input: ParsedInputOf<'log.read'>): Promise<LogLine[]> => {
  const found: LogLine[] = [];
  for (const file of logFiles(directory).reverse()) {
    for await (const text of linesFromEnd(file)) {
      if (found.length >= input.lines) return found.reverse();
      const line = parseLine(text);
      if (line && matches(line, input)) found.push(line);
    }
  }
  return found.reverse();
};

async function* linesFromEnd(file: string): AsyncGenerator<string> {
  const handle = await open(file, 'r');
  try {
    let end = (await handle.stat()).size;
    let rest = Buffer.alloc(0);
    while (end > 0) {
      const start = Math.max(0, end - BLOCK_BYTES);
      const block = Buffer.alloc(end - start);
      await handle.read(block, 0, block.length, start);
      end = start;
      const whole = Buffer.concat([block, rest]);
      const first = end === 0 ? 0 : whole.indexOf(0x0a) + 1;
      rest = whole.subarray(0, first);
      yield* whole.subarray(first).toString('utf8').split('\n').reverse();
    }
  } finally {
    await handle.close();
  }
}

/** Null for a line cut off by a crash. */
const parseLine = (text: string): LogLine | null => {
  if (!text.startsWith('{')) return null;
  try {
    const parsed = logLine.safeParse({ component: 'engine', msg: '', ...JSON.parse(text) });
    return parsed.success ? parsed.data : null;
  } catch {
    // The last line of a file may be half written when the power went; it is of no use.
    return null;
  }
};

const matches = (line: LogLine, { component, level }: Filter): boolean =>
  (component === undefined || line.component === component) &&
  (level === undefined || LEVELS.indexOf(line.level) >= LEVELS.indexOf(level));
