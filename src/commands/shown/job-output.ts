/**
 * Output of a running job as it is made: exactly as it is where there is one device, otherwise whole lines, each behind
 * the name of its device. What was not streamed (a command over before anybody watched) is in the target's end.
 */
import type { JobTarget } from '../../protocol/job.ts';
import type { Output } from '../manner/output.ts';
import { type Colour, type Painter, painter } from '../manner/paint.ts';
import { pad, plain, shorten, width } from '../manner/text.ts';

type Stream = 'stdout' | 'stderr';
const STREAMS: readonly Stream[] = ['stdout', 'stderr'];
/** No result keeps more of a stream than this, so no more need be compared with it. */
const COMPARED = 262_144;
/** Characters of the end of a stream that are compared with the end of the result. */
const END = 1_024;
/** What the agent puts in the place of a middle (agent/output.ts). */
const LEFT_OUT = /\n\[(\d+) bytes left out\]\n/g;
const WIDEST_NAME = 24;
/** A program that never ends a line has it ended here, or it would fill our memory. */
const LONGEST_LINE = 65_536;
const COLOURS: readonly Colour[] = ['cyan', 'green', 'yellow', 'magenta', 'bold'];

interface Shown {
  /** What was shown of it, up to COMPARED and one more. */
  text: string;
  /** Bytes of all that was shown of it, and its last characters. */
  bytes: number;
  end: string;
  /** The line that has not ended yet. */
  line: string;
}

export class JobOutput {
  readonly #shown = new Map<string, Record<Stream, Shown>>();
  readonly #prefixes: ReadonlyMap<string, Record<Stream, string>> | undefined;
  readonly #write: (stream: Stream, text: string) => void;
  readonly #exact: boolean;
  /** Devices whose output waits for the result, which has it without a gap. */
  readonly #held = new Set<string>();

  constructor(out: Output, devices: readonly string[], write = toStandardStreams) {
    this.#write = write;
    this.#prefixes = devices.length > 1 ? prefixes(out, devices) : undefined;
    this.#exact = !out.terminal.interactive;
  }

  /** Some output was missed. A person rather sees the next line now; a file rather has every line. */
  missed(devices: Iterable<string>): void {
    if (this.#exact) for (const device of devices) this.#held.add(device);
  }

  output(device: string, stream: Stream, data: string): void {
    if (this.#held.has(device)) return;
    const shown = this.#of(device)[stream];
    if (shown.text.length <= COMPARED) shown.text = (shown.text + data).slice(0, COMPARED + 1);
    shown.bytes += Buffer.byteLength(data);
    shown.end = (shown.end + data.slice(-END)).slice(-END);
    this.#put(device, stream, data);
  }

  /** Shows what is left of its output. False where some of it was neither streamed nor can be added now. */
  ended(target: JobTarget): boolean {
    const { device } = target;
    const shown = this.#of(device);
    let whole = true;
    for (const stream of STREAMS) {
      const { text } = shown[stream];
      const cut = target.truncated ? middleOf(target[stream]) : undefined;
      if (target[stream].startsWith(text)) {
        this.#put(device, stream, target[stream].slice(text.length));
        if (cut) whole = false;
      }
      // A result without its middle can be shorter than what was streamed.
      else if (!target.truncated || text.length <= target[stream].length / 2) whole = false;
      else if (cut && (shown[stream].bytes < cut.total || !shown[stream].end.endsWith(cut.end)))
        whole = false;
      if (shown[stream].line !== '') this.#put(device, stream, '\n');
    }
    this.#shown.delete(device);
    return whole;
  }

  #of(device: string): Record<Stream, Shown> {
    let shown = this.#shown.get(device);
    if (!shown) {
      const nothing = { text: '', bytes: 0, end: '', line: '' };
      shown = { stdout: { ...nothing }, stderr: { ...nothing } };
      this.#shown.set(device, shown);
    }
    return shown;
  }

  #put(device: string, stream: Stream, data: string): void {
    if (data === '') return;
    const prefix = this.#prefixes?.get(device)?.[stream];
    if (prefix === undefined) {
      this.#write(stream, data);
      return;
    }
    const shown = this.#of(device)[stream];
    const lines = (shown.line + data).split('\n');
    shown.line = lines.pop() ?? '';
    if (shown.line.length > LONGEST_LINE) lines.push(shown.line.slice(0, LONGEST_LINE));
    shown.line = shown.line.length > LONGEST_LINE ? shown.line.slice(LONGEST_LINE) : shown.line;
    const shownAs = this.#exact ? (line: string) => line : ownLine;
    if (lines.length > 0) this.#write(stream, lines.map((line) => `${prefix}${shownAs(line)}\n`).join(''));
  }
}

/**
 * Of a stream whose result lacks its middle: how many bytes it had, and how it ended. Agents stop streaming what comes
 * faster than is good for the engine, and nothing follows that would show the gap at the end.
 */
const middleOf = (kept: string): { total: number; end: string } | undefined => {
  const fromMiddle = ({ index }: RegExpExecArray): number => Math.abs(index - kept.length / 2);
  // A program may print such a line too; the agent's is in the middle.
  const [found] = [...kept.matchAll(LEFT_OUT)].sort((a, b) => fromMiddle(a) - fromMiddle(b));
  if (!found) return undefined;
  const [line, left] = found;
  const last = kept.slice(found.index + line.length);
  return { total: Buffer.byteLength(kept) - line.length + Number(left), end: last.slice(-END) };
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: ECMA-48 SGR begins with one
const COLOUR = /(\u001b\[[\d;:]*m)/;

/**
 * The line with its colours, and nothing else that a terminal obeys: with a cursor that goes up, one device could write
 * behind the name of another.
 */
const ownLine = (line: string): string => {
  const parts = line.replace(/\r$/, '').split(COLOUR);
  const text = parts.map((part, index) => (index % 2 === 1 ? part : part.split('\t').map(plain).join('\t')));
  return parts.length > 1 ? `${text.join('')}\u001b[0m` : text.join('');
};

const toStandardStreams = (stream: Stream, text: string): void => void process[stream].write(text);

const prefixes = (out: Output, devices: readonly string[]): Map<string, Record<Stream, string>> => {
  const names = devices.map((device) => shorten(plain(device), WIDEST_NAME));
  const widest = names.reduce((most, name) => Math.max(most, width(name)), 0);
  const onStderr = painter(out.terminal.color.stderr);
  const prefix = (paint: Painter, name: string, index: number): string =>
    paint(COLOURS[index % COLOURS.length], `${pad(name, widest)} |`).concat(' ');
  return new Map(
    devices.map((device, index) => {
      const name = names[index] ?? device;
      return [device, { stdout: prefix(out.paint, name, index), stderr: prefix(onStderr, name, index) }];
    }),
  );
};
