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
import { showPlainly } from '../../overlays/aside.ts';
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

/** Above the QR code, beside the link. */
const TEXT_LINES = 2;

class CodeCard implements Overlay {
  readonly title = 'Enrolment code: shown once';
  readonly hints = [
    ['c', 'the link alone, to be copied'],
    ['Esc', 'close; it cannot be shown again'],
  ] as const;
  readonly #app: App;
  readonly #code: CreatedCode;
  readonly #qr: QrSizes;

  constructor(app: App, code: CreatedCode) {
    this.#app = app;
    this.#code = code;
    this.#qr = qrOf(code.link);
  }

  size(width: number, height: number): { width: number; height: number } {
    const { link } = this.#code;
    const columns = Math.min(width, Math.max(72, this.#qr.small.columns, link.length));
    const lines = TEXT_LINES + Math.ceil(link.length / columns);
    const qr = fittingQr(this.#qr, columns, height - lines) ?? this.#qr.small;
    return { width: columns, height: Math.min(height, lines + qr.lines.length) };
  }

  key(key: string): void {
    if (key === 'c') void showPlainly(this.#app, this.#code.link);
    else if (key === 'esc' || key === 'q') this.#app.closeOverlay(this);
  }

  draw(surface: Surface): void {
    const { uses, expires_at: expires, auto_approve: auto, link } = this.#code;
    let y = 0;
    const muted = style('muted');
    // Not as an argument, which every user of that machine could read.
    let x = surface.text(0, y, 'As root on the machine to be managed: ', muted);
    x += surface.text(x, y, 'borealis-agent enroll -', style('text', 'page', BOLD));
    surface.text(x, y++, ', then paste:', muted);
    for (let at = 0; at < link.length; at += surface.width)
      surface.text(0, y++, link.slice(at, at + surface.width), style('accent', 'page', BOLD));
    surface.text(
      0,
      y++,
      `${uses === 1 ? 'One use' : `${uses} uses`}, ends ${left(expires, this.#app.now())}, ${auto ? 'approved by itself' : 'waits for your approval'}. Then: borealis-agent run`,
      muted,
    );
    drawQr(surface.sub(0, y), this.#qr);
  }
}
