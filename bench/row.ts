/** One line of the table: a number of ours, the floor that the same run measured for it, and what was promised. */

export type Unit = 'ms' | 's' | '/s' | 'KiB' | 'ms/s' | 'MiB' | 'MB/s' | 's/GB' | 'times';

export type Promised =
  /** At most so many times the floor's cost. */
  { readonly ratio: number } | { readonly atMost: number } | { readonly atLeast: number };

export interface Row {
  readonly what: string;
  readonly unit: Unit;
  readonly measured: number;
  readonly floor: number;
  /** What the floor is, in a few words. */
  readonly floorOf: string;
  readonly promised?: Promised;
  /** What a reader must know to judge the number. */
  readonly note?: string;
}

/** How many times the cost of the floor: of a rate, the floor's over ours; of everything else, ours over the floor's. */
export const ratioOf = ({ unit, measured, floor }: Row): number =>
  unit === '/s' || unit === 'MB/s' ? floor / measured : measured / floor;

/** Null where nothing was promised. */
export const met = (row: Row): boolean | null => {
  const { promised, measured } = row;
  if (!promised) return null;
  if ('ratio' in promised) return ratioOf(row) <= promised.ratio;
  return 'atMost' in promised ? measured <= promised.atMost : measured >= promised.atLeast;
};

const digits = (value: number): string => {
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
};

const promiseText = ({ promised, unit }: Row): string => {
  if (!promised) return '';
  if ('ratio' in promised) return `≤ ${Number(promised.ratio.toFixed(2))} ×`;
  return 'atMost' in promised
    ? `≤ ${digits(promised.atMost)} ${unit}`
    : `≥ ${digits(promised.atLeast)} ${unit}`;
};

const HEAD = ['what', 'measured', 'floor', 'ratio', 'promise', 'met'] as const;

/** Markdown, aligned: it goes to a terminal and into docs/bench.md alike. */
export const table = (rows: readonly Row[]): string => {
  const cells = rows.map((row) => {
    const kept = met(row);
    return [
      row.what,
      `${digits(row.measured)} ${row.unit}`,
      `${digits(row.floor)} ${row.unit} (${row.floorOf})`,
      `${digits(ratioOf(row))} ×`,
      promiseText(row),
      kept === null ? '' : kept ? 'yes' : 'NO',
    ];
  });
  const widths = HEAD.map((head, i) => Math.max(head.length, ...cells.map((line) => line[i]!.length)));
  const write = (line: readonly string[]): string =>
    `| ${line.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const notes = rows.flatMap((row) => (row.note ? [`${row.what}: ${row.note}`] : []));
  return [write(HEAD), rule, ...cells.map(write), ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
};

export const asJson = (row: Row): object => ({
  what: row.what,
  unit: row.unit,
  measured: row.measured,
  floor: row.floor,
  floor_of: row.floorOf,
  ratio: ratioOf(row),
  promise: row.promised ?? null,
  met: met(row),
  note: row.note ?? null,
});
