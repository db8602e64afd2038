/** One job: its devices on the left, what the chosen one writes on the right, as it writes it. */
import { Box } from 'ink';
import type { Job, JobEvent, JobTarget } from '../../../protocol/job.ts';
import { took } from '../../../text/time.ts';
import type { App } from '../../app/app.ts';
import type { View } from '../../app/view.ts';
import { ago } from '../../components/age.ts';
import { panel } from '../../components/panel.ts';
import { asTold, isAway, type Told } from '../../data/told.ts';
import { stateMark, stateRole, style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';
import { Canvas } from '../../ink/canvas.tsx';
import { drawList } from '../../list/draw.ts';
import { ListModel } from '../../list/model.ts';
import { coloured, type TextLine, TextPane } from '../../overlays/text.ts';
import { openDevice } from '../device/open.ts';
import { cancelJob, retryJob } from './act.ts';
import { jobKeys } from './keys.ts';
import { countsText } from './list.ts';
import { DeviceOutput } from './output.ts';

const RETRY_MS = 1_000;

export class JobScreen implements View {
  readonly noun = 'job';
  readonly bindings = jobKeys;
  readonly list: ListModel<JobTarget>;
  listTop: number | undefined;
  readonly #app: App;
  readonly #id: string;
  #job: Job | undefined;
  readonly #targets = new Map<string, JobTarget>();
  readonly #outputs = new Map<string, DeviceOutput>();
  #version = 0;
  #error: Told | undefined;
  #unfollow: (() => void) | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Lines from the end. */
  #scroll = 0;
  #page = 10;

  constructor(app: App, id: string) {
    this.#app = app;
    this.#id = id;
    this.list = new ListModel<JobTarget>({
      items: () => [...this.#targets.values()],
      version: () => this.#version,
      id: ({ device }) => device,
      columns: [
        {
          id: 'state',
          title: '',
          width: 1,
          text: ({ state }) => stateMark(state),
          style: ({ state }) => style(stateRole(state)),
          order: ({ state }) => state,
        },
        { id: 'device', title: 'DEVICE', width: 12, grow: 1, text: ({ device }) => device },
        {
          id: 'result',
          title: 'RESULT',
          width: 10,
          align: 'right',
          text: ({ state, exit_code, duration_ms }) =>
            exit_code !== null && exit_code !== 0
              ? `exit ${exit_code}`
              : duration_ms !== null
                ? took(duration_ms)
                : state,
          style: ({ state }) => style(stateRole(state)),
        },
      ],
    });
  }

  get title(): string {
    return this.#job?.title ?? this.#id;
  }

  get note(): string {
    return this.#job ? countsText(this.#counts()) : '';
  }

  #counts(): Job['counts'] {
    const counts: Job['counts'] = {};
    for (const { state } of this.#targets.values()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }

  enter(): void {
    void this.#load();
  }

  leave(): void {
    this.#unfollow?.();
    clearTimeout(this.#retry);
  }

  async #load(): Promise<void> {
    try {
      this.#job = await this.#app.client.call('job.show', { job: this.#id });
      for (const target of this.#job.targets) {
        this.#targets.set(target.device, target);
        if (target.duration_ms !== null) this.#output(target.device).set(target.stdout, target.stderr);
      }
      this.#changed();
      if (this.#job.finished_at === null) this.#follow();
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  #follow(): void {
    this.#unfollow?.();
    // It tells from the beginning what was written so far.
    for (const target of this.#targets.values())
      if (target.duration_ms === null) this.#outputs.delete(target.device);
    this.#unfollow = this.#app.store.follow(
      'job.watch',
      { job: this.#id },
      (message) => this.#heard(message),
      (thrown) => this.#failed(thrown),
    );
  }

  #failed(thrown: unknown): void {
    this.#error = asTold(thrown);
    if (isAway(thrown)) this.#retry = setTimeout(() => void this.#load(), RETRY_MS);
    this.#app.host.soon();
  }

  #heard(message: JobEvent): void {
    this.#error = undefined;
    if (message.type === 'output') this.#output(message.device).add(message.stream, message.data);
    else if (message.type === 'target') {
      const { target } = message;
      this.#targets.set(target.device, target);
      if (target.duration_ms !== null) this.#output(target.device).set(target.stdout, target.stderr);
    } else if (this.#job) this.#job = { ...this.#job, ...message.job };
    this.#changed();
  }

  #outputAlone(device: string): readonly TextLine[] {
    const { lines } = this.#output(device);
    return lines.length > 0 ? lines.map(({ text }) => coloured(text)) : [noOutput(this.#targets.get(device))];
  }

  #changed(): void {
    this.#version++;
    this.#app.host.later();
  }

  #output(device: string): DeviceOutput {
    let output = this.#outputs.get(device);
    if (!output) {
      output = new DeviceOutput();
      this.#outputs.set(device, output);
    }
    return output;
  }

  key(key: string): boolean {
    if (actionMoves.has(key)) this.#scroll = 0;
    return false;
  }

  act(action: string): void {
    const target = this.list.current();
    switch (action) {
      case 'cancel':
        if (this.#job) cancelJob(this.#app, this.#job);
        return;
      case 'retry':
        return void retryJob(this.#app, this.#id);
      case 'device':
        if (target) openDevice(this.#app, target.guid);
        return;
      case 'output':
        if (target)
          this.#app.open(
            new TextPane(
              this.#app,
              `${target.device}: ${this.title}`,
              () => this.#outputAlone(target.device),
              { follows: true },
            ),
          );
        return;
      case 'later':
        this.#scroll = Math.max(0, this.#scroll - this.#page + 1);
        return;
      case 'earlier':
        this.#scroll += this.#page - 1;
    }
  }

  get asks(): boolean {
    return this.#job === undefined && this.#error === undefined;
  }

  /** Output comes by itself. */
  readonly tells = true;

  plain(): string[] {
    const job = this.#job;
    if (this.#error) return [`${this.#error.message} ${this.#error.next}`];
    if (!job) return ['Asking the engine.'];
    const target = this.list.current();
    const lines = target ? this.#output(target.device).lines.slice(-30) : [];
    return [
      `${job.state}, by ${job.actor}`,
      ...(target ? [`${target.device}: ${resultText(target)}`] : []),
      ...lines.map(({ text, stderr }) => `${stderr ? 'error: ' : ''}${text}`),
    ];
  }

  render() {
    const job = this.#job;
    const wide = this.#app.host.columns >= 110;
    return (
      <Box flexDirection="column" flexGrow={1}>
        <Canvas height={2} flexShrink={0} draw={(surface) => this.#drawHead(surface, job)} />
        <Box flexDirection="row" flexGrow={1}>
          <Canvas
            width={wide ? 46 : 32}
            flexShrink={0}
            draw={(surface) => {
              this.listTop = surface.top;
              drawList(surface, this.list, { focus: true, empty: ['Asking the engine…'] });
            }}
          />
          <Canvas flexGrow={1} draw={(surface) => this.#drawOutput(surface)} />
        </Box>
      </Box>
    );
  }

  #drawHead(surface: Surface, job: Job | undefined): void {
    if (this.#error) {
      surface.text(2, 0, `${this.#error.message} ${this.#error.next}`, style('bad'));
      return;
    }
    if (!job) return;
    const counts = this.#counts();
    const open = (counts.running ?? 0) + (counts.queued ?? 0);
    const state = open === 0 && job.finished_at === null ? 'finishing' : job.state;
    surface.pieces(2, 0, [
      { text: `${stateMark(state)} ${state}`, style: style(stateRole(state)) },
      {
        text: `   by ${job.actor}, ${ago(job.created_at, this.#app.now())}, as ${job.context}, at most ${job.timeout_seconds} s each`,
        style: style('muted'),
      },
      ...(job.retry_of ? [{ text: `   again from ${job.retry_of.slice(0, 8)}`, style: style('muted') }] : []),
    ]);
  }

  #drawOutput(surface: Surface): void {
    const target = this.list.current();
    if (!target) return;
    const inner = panel(surface, { title: target.device, note: resultText(target) });
    const lines = this.#output(target.device).lines;
    const told = [
      target.error_code && `${target.error_code}: ${target.error ?? ''}`,
      target.truncated && 'The middle was left out: the output was longer than the cap.',
    ].filter(Boolean) as string[];
    this.#page = inner.height - told.length;
    this.#scroll = Math.max(0, Math.min(this.#scroll, lines.length - this.#page));
    const from = Math.max(0, lines.length - this.#page - this.#scroll);
    for (let y = 0; y < this.#page; y++) {
      const line = lines[from + y];
      if (!line) break;
      if (line.stderr) inner.text(0, y, line.text, style('warn'));
      else inner.pieces(0, y, coloured(line.text));
    }
    if (lines.length === 0) inner.text(0, 0, noOutput(target), style('muted'));
    for (const [index, line] of told.entries())
      inner.text(0, inner.height - told.length + index, line, style('bad'));
    if (this.#scroll > 0)
      inner.text(
        inner.width - 16,
        inner.height - 1,
        ` ${this.#scroll} lines below `,
        style('onAccent', 'accentFill'),
      );
  }
}

const actionMoves = new Set(['up', 'down', 'j', 'k', 'home', 'end', 'g', 'G']);

const resultText = ({ state, exit_code, duration_ms }: JobTarget): string =>
  [state, exit_code === null ? '' : `exit ${exit_code}`, duration_ms === null ? '' : took(duration_ms)]
    .filter(Boolean)
    .join(' · ');

const noOutput = (target: JobTarget | undefined): string =>
  target?.duration_ms === null ? 'No output yet.' : 'No output.';
