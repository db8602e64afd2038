/** asciicast v2 (docs.asciinema.org/manual/asciicast/v2): a line of JSON for the header, then one for each event. */

export interface CastHeader {
  readonly cols: number;
  readonly rows: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly title: string;
  readonly term: string;
}

export const headerLine = ({ cols, rows, startedAt, title, term }: CastHeader): string => {
  const timestamp = Math.floor(startedAt / 1000);
  return `${JSON.stringify({ version: 2, width: cols, height: rows, timestamp, title, env: { TERM: term } })}\n`;
};

/** `o` output, `i` input, `r` a new size (`COLSxROWS`), `m` a marker. */
export type CastCode = 'o' | 'i' | 'r' | 'm';

export const eventLine = (elapsedMs: number, code: CastCode, data: string): string =>
  `[${(elapsedMs / 1000).toFixed(3)},"${code}",${JSON.stringify(data)}]\n`;

export interface CastEvent {
  readonly elapsedMs: number;
  readonly code: string;
  readonly data: string;
}

/** Null for the header. */
export const parseEvent = (line: string): CastEvent | null => {
  if (!line.startsWith('[')) return null;
  const [seconds, code, data] = JSON.parse(line) as [number, string, string];
  return { elapsedMs: seconds * 1000, code, data };
};

/**
 * How many bytes at the end of `bytes` are a UTF-8 sequence that is not whole yet (0 to 3): they wait for what follows.
 * What can never become one is not waited for.
 */
export const unfinishedTail = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length =
      byte >= 0xf0 && byte <= 0xf4
        ? 4
        : byte >= 0xe0 && byte < 0xf0
          ? 3
          : byte >= 0xc2 && byte < 0xe0
            ? 2
            : 1;
    if (length <= back) return 0;
    return back >= 2 && !mayFollow(byte, bytes[bytes.length - back + 1]!) ? 0 : back;
  }
  return 0;
};

/** Whether `second` may follow `first` in a well-formed sequence (Unicode 15, table 3-7). */
const mayFollow = (first: number, second: number): boolean => {
  if (first === 0xe0) return second >= 0xa0;
  if (first === 0xed) return second < 0xa0;
  if (first === 0xf0) return second >= 0x90;
  if (first === 0xf4) return second < 0x90;
  return true;
};
