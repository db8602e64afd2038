/** Recordings as whoever replays or searches them sees them. */
import { BorealisError } from '../../protocol/errors.ts';
import type { ShellTable } from '../../store/schema.ts';
import { parseEvent } from './asciicast.ts';
import type { Part } from './file.ts';
import { textOf } from './part.ts';
import type { Recordings } from './recordings.ts';
import { ShownText } from './shown-text.ts';

type Row = Pick<ShellTable, 'id' | 'recording'>;

/**
 * Reads the whole recording once and hands out nothing: what was changed, cut or put together is refused before the
 * first line of it is shown. Errors: RECORDING_DAMAGED, SESSION_NOT_FOUND.
 */
export const verifyRecording = async (recordings: Recordings, row: Row): Promise<void> => {
  let last: Part | undefined;
  for await (const part of recordings.parts(row.id)) last = part;
  demandEnd(row, last);
};

/** What the store says ended has its end. */
const demandEnd = ({ recording }: Row, last: Part | undefined): void => {
  const kind = last?.mark.kind ?? 'more';
  if (recording === 'recording' || recording === kind) return;
  throw new BorealisError('RECORDING_DAMAGED', { detail: 'Its end is missing.' });
};

/** The asciicast. Errors: RECORDING_DAMAGED, where what has come so far is all that was written as it is. */
export async function* castOf(recordings: Recordings, row: Row): AsyncGenerator<Buffer> {
  let last: Part | undefined;
  for await (const part of recordings.parts(row.id)) {
    last = part;
    const text = await textOf(part.packed);
    if (text.length > 0) yield text;
  }
  demandEnd(row, last);
}

export interface ShownLine {
  /** Seconds since the recording began. */
  readonly at: number;
  readonly line: string;
}

/** Lines of one recording that were told already are not told again; so many are remembered. */
const REMEMBERED = 512;

/** The lines that hold `text`, whatever the case of its letters. Errors: those of `castOf`. */
export async function* findShown(
  recordings: Recordings,
  row: Row,
  text: string,
  signal: AbortSignal,
): AsyncGenerator<ShownLine> {
  const wanted = text.toLowerCase();
  const shown = new ShownText();
  const told = new Set<string>();
  let at = 0;
  const found = function* (lines: Iterable<string>): Generator<ShownLine> {
    for (const line of lines) {
      if (!line.toLowerCase().includes(wanted) || told.has(line)) continue;
      if (told.size >= REMEMBERED) told.clear();
      told.add(line);
      yield { at, line };
    }
  };
  for await (const line of linesOf(castOf(recordings, row))) {
    if (signal.aborted) return;
    const event = parseEvent(line);
    if (event?.code !== 'o') continue;
    at = event.elapsedMs / 1000;
    yield* found(shown.push(event.data));
  }
  yield* found(shown.end());
}

/** Whole lines; each event is one, and a part never cuts an event. */
async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of source) {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    // Decrypting and searching go by microtasks alone where the disk is fast: everybody else gets a turn.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
