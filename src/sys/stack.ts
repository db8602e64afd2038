/**
 * Stack traces of the bundles in dist/ in terms of the source. A bundle's map is megabytes of JSON, so it is read when an
 * error is to be printed and not before; Node's own --enable-source-maps reads it at every start.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** A place in a bundle: dist/borealisd-0123456789ab.cjs:2:828 */
const place = /(\/[^():\n]*-[0-9a-f]{12}\.cjs):(\d+):(\d+)/g;

/** `stack` with each place in a bundle replaced by the place in src/; what has no map stays as it is. */
export function readableStack(stack: string): string {
  const maps = new Map<string, SourceMap | undefined>();
  return stack.replace(place, (whole, file: string, line: string, column: string) => {
    if (!maps.has(file)) maps.set(file, readMap(file));
    const origin = maps.get(file)?.findOrigin(Number(line), Number(column));
    if (!origin || !('fileName' in origin)) return whole;
    const source = relative(dirname(dirname(file)), join(dirname(file), origin.fileName));
    return `${source}:${origin.lineNumber}:${origin.columnNumber}`;
  });
}

/** Makes an error that nobody caught print the source's places. To be called once, first thing in a program. */
export function showSourceInStacks(): void {
  process.on('uncaughtExceptionMonitor', (error: Error) => {
    if (error.stack) error.stack = readableStack(error.stack);
  });
}

function readMap(bundle: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')));
  } catch {
    return undefined; // a newer build took the map away; the bundle's own places are better than none
  }
}
