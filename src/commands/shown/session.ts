/** Recorded sessions, as people see them. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Recording } from '../../protocol/shell.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';
import type { Colour } from '../manner/paint.ts';
import { bytes } from '../manner/size.ts';
import { facts } from '../manner/table.ts';
import { parseDuration, span } from '../manner/time.ts';

const COLOURS: Readonly<Record<Recording['state'], Colour>> = {
  recording: 'cyan',
  complete: 'green',
  cut_off: 'yellow',
};
const STATES = { recording: 'recording', complete: 'complete', cut_off: 'cut off' } as const;

export const sessionList = (out: Output): ListView<Recording> => ({
  columns: [
    { title: 'ID', value: ({ id }) => id },
    { title: 'DEVICE', value: ({ device }) => device, gives: true },
    { title: 'USER', value: ({ user }) => user, spare: true },
    { title: 'STATE', value: ({ state }) => STATES[state], colour: ({ state }) => COLOURS[state] },
    { title: 'EXIT', value: ({ exit_code: code }) => code, align: 'right' },
    { title: 'LASTED', value: ({ duration_seconds: seconds }) => span(seconds), align: 'right' },
    { title: 'SIZE', value: (recording) => bytes(recording.bytes), align: 'right', spare: true },
    { title: 'BY', value: ({ started_by: by }) => by },
    { title: 'STARTED', value: ({ started_at: at }) => out.time(at) },
  ],
  name: ({ id }) => id,
  empty: 'No session is recorded yet. Shells are: borealisctl shell DEVICE',
});

export const sessionCard = (out: Output, recording: Recording): string[] =>
  facts(
    [
      ['Session', recording.id],
      ['Device', recording.device],
      ['User there', recording.user],
      ['State', STATES[recording.state], COLOURS[recording.state]],
      ['Exit code', recording.exit_code],
      ['Started', `${out.moment(recording.started_at)} by ${recording.started_by}`],
      ['Ended', out.moment(recording.ended_at)],
      ['Lasted', span(recording.duration_seconds)],
      ['Size', bytes(recording.bytes)],
      ['Terminal', `${recording.cols} × ${recording.rows}`],
      ['What was typed', recording.input_recorded ? 'recorded too' : 'not recorded'],
    ],
    out.paint,
  );

export const sessionEvents = ['shell.started', 'shell.ended'] as const;

/** Seconds since a session began: `0:07`, `12:34`, `1:02:03`. */
export const position = (seconds: number): string => {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  const end = two(whole % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${end}` : `${minutes}:${end}`;
};

/** The same read: `12:34`, `1:02:03`, or a duration. Seconds. Errors: USAGE. */
export const parsePosition = (text: string): number => {
  if (!text.includes(':')) return parseDuration(text, { parts: true });
  const parts = /^(?:(\d+):)?(\d+):([0-5]?\d)$/.exec(text);
  if (parts) return Number(parts[1] ?? 0) * 3_600 + Number(parts[2]) * 60 + Number(parts[3]);
  throw new BorealisError('USAGE', {
    detail: `“${text}” is no time in a session.`,
    next: 'Write it like 12:34, 1:02:03 or 90s.',
  });
};
