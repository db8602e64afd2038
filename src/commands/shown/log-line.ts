/** A line of the engine's log, as people see it: time, level, component, what happened, and the rest of its fields. */
import type { LogLine } from '../../protocol/engine.ts';
import type { Output } from '../manner/output.ts';
import { type Colour, stateColour } from '../manner/paint.ts';
import { pad, plain } from '../manner/text.ts';

const LEVELS: Readonly<Record<string, Colour>> = { trace: 'dim', debug: 'dim', info: 'green' };

export const logText = (out: Output, { time, level, component, msg, ...rest }: LogLine): string => {
  const { paint, terminal } = out;
  const when = terminal.interactive ? clock(time) : time;
  const colour = LEVELS[level] ?? stateColour(level);
  const fields = Object.entries(rest).map(([key, value]) => paint('dim', ` ${key}=${fieldText(value)}`));
  return `${paint('dim', when)} ${paint(colour, pad(level, 5))} ${pad(plain(component), 10)} ${plain(msg)}${fields.join('')}`;
};

/** Of today's line the time alone; local, as the clock on the wall. */
const clock = (time: string): string => {
  const moment = new Date(time);
  const text = moment.toLocaleTimeString('en-GB');
  return moment.toDateString() === new Date().toDateString()
    ? text
    : `${moment.toLocaleDateString('en-CA')} ${text}`;
};

/** Of an error its message: the stack is for whoever mends us, and --json has it. */
const withoutStack = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'stack' in value && 'message' in value
    ? value.message
    : value;

const fieldText = (field: unknown): string => {
  const value = withoutStack(field);
  return plain(
    typeof value === 'string' && /^[\w./:@+-]+$/.test(value) ? value : (JSON.stringify(value) ?? ''),
  );
};
