/**
 * The floor of an open shell's memory: a bare @xterm/headless and a buffer for what was printed, each filled with the file.
 * Says how many KiB each of them takes.   node screens.ts COUNT COLUMNS ROWS SCROLLBACK KEPT_BYTES FILE
 */
import { readFileSync } from 'node:fs';
import { setTimeout as rest } from 'node:timers/promises';
import headless from '@xterm/headless';
import { residentKib } from '../processes.ts';

const [count, cols, rows, scrollback, kept] = process.argv.slice(2, 7).map(Number) as [number, ...number[]];
const text = readFileSync(process.argv[7]!);

const open = async () => {
  const terminal = new headless.Terminal({ cols: cols!, rows: rows!, scrollback: scrollback! });
  for (let at = 0; at < text.length; at += 16_384)
    await new Promise<void>((resolve) => terminal.write(text.subarray(at, at + 16_384), resolve));
  return { terminal, last: Buffer.alloc(kept!, 'x') };
};

const main = async (): Promise<void> => {
  const before = residentKib(process.pid);
  const all = [];
  while (all.length < count) all.push(await open());
  await rest(1_000);
  process.send!((residentKib(process.pid) - before) / all.length);
};

await main();
