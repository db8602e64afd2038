/** A list as a table, as JSON, as YAML, or only its names. */
import type { ListView } from './command.ts';
import type { Format } from './flags.ts';
import type { Output } from './output.ts';
import { table } from './table.ts';
import { plain } from './text.ts';
import { yaml } from './yaml.ts';

export const showList = <T>(
  out: Output,
  items: readonly T[],
  view: ListView<T>,
  format: Format = 'table',
): void => {
  if (out.json || format === 'json') out.document(items);
  else if (format === 'yaml') out.raw(yaml(items));
  else if (format === 'name') out.lines(items.map((item) => plain(view.name(item))));
  else if (items.length === 0) out.note(view.empty);
  else out.lines(listLines(out, items, view));
};

export const listLines = <T>(out: Output, items: readonly T[], view: ListView<T>): string[] =>
  table(items, view.columns, { columns: out.terminal.width, paint: out.paint });
