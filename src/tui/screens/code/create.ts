/** Makes an enrolment code and shows its link and QR code, once. */
import type { CreatedCode } from '../../../protocol/code.ts';
import type { InputOf } from '../../../protocol/operations.ts';
import type { App } from '../../app/app.ts';
import type { Overlay } from '../../app/view.ts';
import { left } from '../../components/age.ts';
import { drawQr, fittingQr, type QrSizes, qrOf } from '../../components/qr.ts';
import { asTold } from '../../data/told.ts';
import { BOLD, style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';
import { commandLine } from '../../overlays/command-line.ts';
import { menu } from '../../overlays/menu.ts';

export const newCode = (app: App): void => {
  const make = (input: InputOf<'code.create'>) => async (): Promise<void> => {
    try {
      app.open(new CodeCard(app, await app.client.call('code.create', input)));
    } catch (thrown) {
      app.toasts.failed(asTold(thrown));
    }
  };
  const WEEK = 604_800;
  menu(app, {
    title: 'A new enrolment code',
    text: 'The link is shown once. Whoever has it may ask to be enrolled, and waits for your approval.',
    choices: [
      { key: '1', title: 'For one device', note: 'one use, 24 hours', run: make({}) },
      {
        key: '2',
        title: 'For several devices',
        note: '25 uses, 7 days',
        run: make({ uses: 25, expires_in: WEEK }),
      },
      {
        key: '3',
        title: 'For one device, approved by itself',
        note: 'one use, 1 hour, no key comparison',
        run: make({ auto_approve: true, expires_in: 3_600 }),
      },
      {
        key: ':',
        title: 'With site, tags, another address…',
        note: 'as a command',
        run: () => commandLine(app, 'code create --'),
      },
    ],
  });
};

class CodeCard implements Overlay {
  readonly title = 'Enrolment code: shown once';
  readonly hints = [['Esc', 'close; it cannot be shown again']] as const;
  readonly #app: App;
  readonly #code: CreatedCode;
  readonly #qr: QrSizes;

  constructor(app: App, code: CreatedCode) {
    this.#app = app;
    this.#code = code;
    this.#qr = qrOf(code.link);
  }

  size(width: number, height: number): { width: number; height: number } {
    const columns = Math.min(width, Math.max(72, this.#qr.small.columns));
    const lines = 2 + Math.ceil(this.#command.length / columns);
    const qr = fittingQr(this.#qr, columns, height - lines) ?? this.#qr.small;
    return { width: columns, height: Math.min(height, lines + qr.lines.length) };
  }

  get #command(): string {
    return `borealis-agent enroll '${this.#code.link}'`;
  }

  key(key: string): void {
    if (key === 'esc' || key === 'q') this.#app.closeOverlay(this);
  }

  draw(surface: Surface): void {
    const { uses, expires_at: expires, auto_approve: auto } = this.#code;
    let y = 0;
    surface.text(0, y++, 'On the machine that shall be managed, as root:', style('muted'));
    // Broken where it must be, so that it can be copied whole.
    const command = this.#command;
    for (let at = 0; at < command.length; at += surface.width)
      surface.text(0, y++, command.slice(at, at + surface.width), style('accent', 'page', BOLD));
    surface.text(
      0,
      y++,
      `${uses === 1 ? 'One use' : `${uses} uses`}, ends ${left(expires, this.#app.now())}, ${auto ? 'approved by itself' : 'waits for your approval'}.`,
      style('muted'),
    );
    drawQr(surface.sub(0, y), this.#qr);
  }
}
