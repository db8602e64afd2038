import { custom } from '@oclif/core/flags';
import { BorealisError } from '../../protocol/errors.ts';
import type { Cast } from '../local/shell/cast.ts';
import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { plain } from '../manner/text.ts';
import { parseDuration } from '../manner/time.ts';
import { parsePosition, position } from '../shown/session.ts';

const speedFlag = custom<number>({
  helpValue: 'N',
  parse: async (text) => {
    const speed = Number(text);
    if (speed >= 0.01 && speed <= 1_000) return speed;
    throw new BorealisError('USAGE', {
      detail: `“${text}” is no speed.`,
      next: 'Write it like 2 or 0.5.',
    });
  },
});
/** A look of a fifth of a second is worth having. */
const pauseFlag = custom<number>({
  helpValue: 'DURATION',
  parse: async (text) => parseDuration(text, { parts: true }),
});
const positionFlag = custom<number>({
  helpValue: 'TIME',
  parse: async (text) => parsePosition(text),
});

export default class SessionReplay extends BorealisCommand {
  static override summary = 'Replay a recorded session in this terminal, at its own pace or faster.';
  static override description =
    'Space pauses and goes on, a full stop shows the next step while it is paused, q ends it. Where standard output is no ' +
    'terminal all that was shown comes at once; with --json one event a line. Of a session that still runs it is what there ' +
    'is so far. Who replayed what is on record.';
  static override examples = [
    'borealisctl session replay k3jd',
    'borealisctl session replay k3jd --speed 2 --idle-limit 1s',
    'borealisctl session replay k3jd --from 12:34',
    'borealisctl session replay k3jd > shown.txt',
  ];
  static override args = {
    session: required('Id of the session, which is that of its shell, or a unique prefix.'),
  };
  static override flags = {
    speed: speedFlag({ char: 's', default: 1, summary: 'So many times as fast.' }),
    'idle-limit': pauseFlag({
      char: 'i',
      summary: 'Let no pause last longer than this: 2s, 0.5.',
    }),
    from: positionFlag({ summary: 'Show what came before at once: 12:34, 1:02:03, 90s.' }),
  };
  static override operations = ['session.show', 'session.read'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SessionReplay);
    const { client, out } = this;
    const session = await client.call('session.show', { session: args.session });
    const { readCast } = await import('../local/shell/cast.ts');
    const open = async (signal?: AbortSignal): Promise<Cast> =>
      readCast(await client.download('session.read', { session: session.id }, { signal }));
    const { terminal } = out;
    if (out.json || !terminal.interactive) return this.#all(await open(this.untilInterrupted()));
    const cast = await open();
    const { cols, rows } = cast.header;
    if (cols > terminal.width || rows > terminal.height)
      out.warn(
        `it was recorded at ${cols} × ${rows}; this window is ${terminal.width} × ${terminal.height}.`,
      );
    const { TerminalWindow, exitOfSignal } = await import('../local/shell/window.ts');
    const { play } = await import('../local/shell/play.ts');
    const name = `Replay of ${session.id} on ${session.device}`;
    const { at, left } = await play({
      window: new TerminalWindow(),
      cast,
      name,
      speed: flags.speed,
      idleLimit: flags['idle-limit'] ?? Infinity,
      from: flags.from ?? 0,
    });
    out.note('');
    if (left !== null && left !== 'key') process.exitCode = exitOfSignal(left);
    const place = `${position(at)} of ${position(session.duration_seconds)}`;
    out.note(
      `${left === null ? 'The end' : 'Left'} of ${session.id} on ${plain(session.device)}: ${place}.`,
      'dim',
    );
  }

  /** At once. */
  async #all({ header, events }: Cast): Promise<void> {
    const { out } = this;
    if (out.json) out.record({ type: 'header', ...header });
    for await (const event of events) {
      if (out.json) out.record(event);
      else if (event.type === 'output') out.raw(event.data);
    }
    this.cutShort();
  }
}
