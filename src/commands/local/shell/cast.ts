/** A recording as it is read: asciicast v2 (docs.asciinema.org/manual/asciicast/v2), line by line as it comes. */
import { BorealisError } from '../../../protocol/errors.ts';

export interface CastHeader {
  readonly cols: number;
  readonly rows: number;
  readonly title: string | null;
}

export interface CastEvent {
  /** Seconds since the session began. */
  readonly at: number;
  readonly type: 'output' | 'input' | 'resized' | 'marker';
  readonly data: string;
}

const TYPES: Readonly<Record<string, CastEvent['type']>> = {
  o: 'output',
  i: 'input',
  r: 'resized',
  m: 'marker',
};

export interface Cast {
  readonly header: CastHeader;
  readonly events: AsyncGenerator<CastEvent, void, undefined>;
}

/** Errors: RECORDING_DAMAGED where it is no asciicast; those of the source, at whatever event they come. */
export const readCast = async (source: AsyncIterable<Uint8Array>): Promise<Cast> => {
  const lines = linesOf(source);
  const { value: first = '' } = await lines.next();
  const { version, width, height, title } = parse(first) as Record<string, unknown>;
  if (version !== 2) throw damaged('It is no asciicast of version 2.');
  const header = {
    cols: Number(width),
    rows: Number(height),
    title: typeof title === 'string' ? title : null,
  };
  return { header, events: eventsOf(lines) };
};

async function* eventsOf(lines: AsyncIterable<string>): AsyncGenerator<CastEvent, void, undefined> {
  for await (const line of lines) {
    const [at, code, data] = parse(line) as unknown[];
    const type = TYPES[String(code)];
    // What a newer engine records besides is not for us.
    if (type && typeof at === 'number' && typeof data === 'string') yield { at, type, data };
  }
}

const LINE_FEED = 0x0a;

/** Not by node:readline, for which U+2028 ends a line: in JSON it may stand as it is. Empty lines are passed over. */
async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk);
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
      if (end > from) yield bytes.toString('utf8', from, end);
      from = end + 1;
    }
    rest = bytes.subarray(from);
  }
  if (rest.length > 0) yield rest.toString('utf8');
}

const parse = (line: string): unknown => {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Told below.
  }
  throw damaged('A line of it is not JSON.');
};

const damaged = (detail: string): BorealisError => new BorealisError('RECORDING_DAMAGED', { detail });
