/** Shells side by side, as many as the terminal is wide; in a narrow one, one at a time. */
import { Box } from 'ink';
import { plural } from '../../../text/size.ts';
import type { App } from '../../app/app.ts';
import type { View } from '../../app/view.ts';
import { panel } from '../../components/panel.ts';
import { asTold } from '../../data/told.ts';
import type { Surface } from '../../grid/surface.ts';
import { Canvas } from '../../ink/canvas.tsx';
import { confirm } from '../../overlays/confirm.ts';
import { ShellInput } from './input.ts';
import { shellKeys, typingKeys } from './keys.ts';
import { attachInFull, endedText, type ShellRef } from './open.ts';
import { newPane, type ShellPane } from './pane.ts';

/** Less is no terminal to work in: 60 columns and the frame. */
const NARROWEST = 64;
const FILLS = { flexGrow: 1, flexBasis: 0 } as const;

interface Side {
  readonly shell: ShellRef;
  readonly pane: ShellPane;
  /** In the frame: where it was drawn last. */
  place: { left: number; top: number; width: number; height: number } | undefined;
}

export class SideBySide implements View {
  readonly noun = 'session';
  readonly #app: App;
  #sides: Side[] = [];
  #focus = 0;
  #typing = false;
  #seen = false;
  #closed = false;
  readonly #input = new ShellInput();

  constructor(app: App, shells: readonly ShellRef[]) {
    this.#app = app;
    for (const shell of shells) void this.#add(shell);
  }

  get title(): string {
    return plural(this.#sides.length, 'shell');
  }

  get note(): string {
    return this.#typing ? 'keys go to the shell' : 'keys are the dashboard’s';
  }

  get bindings() {
    return this.#typing ? typingKeys : shellKeys;
  }

  get typing(): boolean {
    return this.#typing;
  }

  get #focused(): Side | undefined {
    return this.#sides[this.#focus];
  }

  async #add(shell: ShellRef): Promise<void> {
    const app = this.#app;
    const pane = await newPane(() => app.host.later());
    const side: Side = { shell, pane, place: undefined };
    this.#sides.push(side);
    if (this.#seen && this.#sides.length === 1) this.#type();
    app.host.soon();
    try {
      // Its size is known when it has been drawn once.
      await new Promise((drawn) => setImmediate(() => setImmediate(drawn)));
      const left = await app.cli.attach({ shell, readOnly: shell.readOnly ?? false, window: pane });
      if (left.kind === 'ended') app.toasts.done(endedText(shell, left));
    } catch (thrown) {
      if (!this.#closed) app.toasts.failed(asTold(thrown));
    }
    this.#remove(side);
  }

  #remove(side: Side): void {
    side.pane.dispose();
    this.#sides = this.#sides.filter((one) => one !== side);
    this.#focus = Math.max(0, Math.min(this.#focus, this.#sides.length - 1));
    if (this.#closed) return;
    if (this.#sides.length === 0) {
      this.#release();
      if (this.#app.view === this) this.#app.back();
    }
    this.#app.host.soon();
  }

  enter(): void {
    this.#seen = true;
    if (this.#sides.length > 0) this.#type();
  }

  leave(): void {
    this.#seen = false;
    this.#release();
  }

  close(): void {
    this.#closed = true;
    for (const { pane } of this.#sides) pane.end();
  }

  #type(): void {
    this.#typing = true;
    this.#app.host.divert((chunk) => this.#typed(chunk));
  }

  #release(): void {
    this.#typing = false;
    this.#app.host.divert(undefined);
  }

  #typed(chunk: Buffer) {
    const side = this.#focused;
    if (!side) return this.#release();
    const { bytes, mouse, leave } = this.#input.take(chunk, side.pane.modes);
    side.pane.type(bytes);
    for (const { action, x, y } of mouse) {
      if (action === 'press') this.mouse(x, y);
      else side.pane.scroll(action === 'up' ? 3 : -3);
    }
    if (leave) this.#release();
    this.#app.host.soon();
  }

  /** A click chooses the shell that keys go to; elsewhere it is the dashboard's. */
  mouse(x: number, y: number): boolean {
    const at = this.#sides.findIndex(
      ({ place }) =>
        place &&
        x >= place.left &&
        x < place.left + place.width &&
        y >= place.top &&
        y < place.top + place.height,
    );
    if (at < 0) {
      this.#release();
      return false;
    }
    this.#focus = at;
    if (!this.#typing) this.#type();
    return true;
  }

  wheel(lines: number): void {
    this.#focused?.pane.scroll(-lines);
  }

  act(action: string) {
    const side = this.#focused;
    if (!side) return;
    switch (action) {
      case 'type':
        return this.#type();
      case 'other':
        this.#focus = (this.#focus + 1) % this.#sides.length;
        return;
      case 'swap':
        this.#sides.reverse();
        this.#focus = this.#sides.indexOf(side);
        return;
      case 'full':
        return void attachInFull(this.#app, side.shell);
      case 'kill': {
        const { id, device } = side.shell;
        return confirm(this.#app, {
          title: 'End the shell',
          text: `The shell on ${device} ends, with what runs in it.`,
          yes: 'end it',
          run: () =>
            void this.#app.perform(
              () => this.#app.client.call('shell.kill', { shell: id }),
              'The shell has ended.',
            ),
        });
      }
    }
  }

  render() {
    const fits = Math.max(1, Math.floor(this.#app.host.columns / NARROWEST));
    const first = Math.max(0, Math.min(this.#focus, this.#sides.length - fits));
    const shown = this.#sides.slice(first, first + fits);
    for (const side of this.#sides) if (!shown.includes(side)) side.place = undefined;
    return (
      <Box flexDirection="row" flexGrow={1}>
        {shown.length === 0 && (
          <Canvas {...FILLS} draw={(surface) => surface.text(2, 1, 'Coming to the shells…')} />
        )}
        {shown.map((side) => (
          <Canvas key={side.shell.id} {...FILLS} draw={(surface) => this.#draw(surface, side)} />
        ))}
      </Box>
    );
  }

  #draw(surface: Surface, side: Side): void {
    const focused = side === this.#focused;
    const { left, top, width, height } = surface;
    side.place = { left, top, width, height };
    const inner = panel(surface, {
      title: side.pane.shownTitle || side.shell.device,
      note: `${this.#sides.indexOf(side) + 1}/${this.#sides.length}${side.shell.readOnly ? ' only watching' : ''}`,
      focus: focused && this.#typing,
    });
    side.pane.resize(Math.max(20, inner.width), Math.max(5, inner.height));
    side.pane.draw(inner, focused && this.#typing);
  }
}
