/** A client's configuration as a QR code and as text: shown once, so it is made only where it can be seen. */
import type { Connection } from '../../../protocol/vpn.ts';
import { wrap } from '../../../text/width.ts';
import type { App } from '../../app/app.ts';
import type { Overlay } from '../../app/view.ts';
import { drawQr, fittingQr, type QrSizes, qrOf } from '../../components/qr.ts';
import { asTold } from '../../data/told.ts';
import { style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';
import { showPlainly } from '../../overlays/aside.ts';
import { type Choice, menu } from '../../overlays/menu.ts';
import { TextPane } from '../../overlays/text.ts';

/** Frame, footer and the line above the code. */
const AROUND = { columns: 8, lines: 7 };
/** Where the card takes the whole screen. */
const FOOTER = 1;
const inCard = (sizes: QrSizes, columns: number, rows: number) =>
  fittingQr(sizes, columns - AROUND.columns, rows - AROUND.lines);

export const showConfig = (app: App, { vpn, name, public_key: key }: Connection): void => {
  const made = (new_key: boolean) => (): Promise<void> => show(app, { vpn, connection: name, new_key });
  const choices: Choice[] =
    key === null
      ? [{ key: '1', title: 'Show it now', note: 'its key is made now and kept nowhere', run: made(false) }]
      : [
          {
            key: '1',
            title: 'With a new key',
            note: 'the configuration before is of no use from then on',
            run: made(true),
          },
          {
            key: '2',
            title: 'Without its private key',
            note: 'only the client has that',
            run: () => showText(app, { vpn, connection: name }),
          },
        ];
  choices.push({
    key: 'p',
    title: 'How it will look',
    note: 'makes nothing, shows no secret',
    run: () => showText(app, { vpn, connection: name, preview: true }),
  });
  menu(app, {
    title: `Configuration of ${name}`,
    text: 'For the WireGuard of the client. It is shown once: have the phone or the file at hand.',
    choices,
  });
};

interface Wanted {
  readonly vpn: string;
  readonly connection: string;
  readonly new_key?: boolean;
  readonly preview?: boolean;
}

const show = async (app: App, wanted: Wanted): Promise<void> => {
  try {
    // One as long, before there is a key that could be shown only once.
    const { config: alike } = await app.client.call('connection.config', {
      ...wanted,
      preview: true,
      format: 'compact',
    });
    const { columns, rows } = app.host;
    const sizes = qrOf(alike);
    if (!app.host.reader && !fittingQr(sizes, columns, rows - FOOTER))
      return app.toasts.failed({
        code: 'QR_TOO_LARGE',
        message: `Its QR code takes ${sizes.small.columns} × ${sizes.small.lines.length + FOOTER}, and this terminal is ${columns} × ${rows}. Nothing was made.`,
        next: `Enlarge the terminal, or write a file: :connection config ${wanted.vpn} ${wanted.connection} --file FILE`,
      });
    const { config } = await app.client.call('connection.config', { ...wanted, format: 'compact' });
    app.open(new ConfigCard(app, wanted.connection, config));
  } catch (thrown) {
    app.toasts.failed(asTold(thrown));
  }
};

const showText = async (app: App, wanted: Wanted): Promise<void> => {
  try {
    const { config } = await app.client.call('connection.config', wanted);
    const lines = config.trimEnd().split('\n');
    app.open(new TextPane(app, `Configuration of ${wanted.connection}`, () => lines, { wide: false }));
  } catch (thrown) {
    app.toasts.failed(asTold(thrown));
  }
};

export class ConfigCard implements Overlay {
  readonly title: string;
  readonly hints = [
    ['t', 'text or QR code'],
    ['c', 'the text alone, to be copied'],
    ['Esc', 'close; it cannot be shown again'],
  ] as const;
  readonly #app: App;
  readonly #config: string;
  readonly #qr: QrSizes;
  #asText: boolean;

  constructor(app: App, name: string, config: string) {
    this.#app = app;
    this.#config = config;
    this.#qr = qrOf(config);
    this.#asText = app.host.reader ?? false;
    this.title = `Configuration of ${name}: shown once`;
  }

  size(width: number, height: number): { width: number; height: number } {
    const qr = fittingQr(this.#qr, width, height - 2) ?? this.#qr.small;
    return {
      width: Math.min(width, Math.max(72, qr.columns)),
      height: Math.min(height, qr.lines.length + 1),
    };
  }

  whole(columns: number, rows: number): boolean {
    return !this.#asText && !inCard(this.#qr, columns, rows);
  }

  key(key: string): void {
    if (key === 't') this.#asText = !this.#asText;
    else if (key === 'c') void showPlainly(this.#app, this.#config);
    else if (key === 'esc' || key === 'q') this.#app.closeOverlay(this);
  }

  draw(surface: Surface) {
    if (!this.#asText) {
      const above = fittingQr(this.#qr, surface.width, surface.height - 1) ? 1 : 0;
      if (above)
        surface.text(0, 0, 'With the camera of WireGuard’s app. It holds a private key.', style('muted'));
      return drawQr(surface.sub(0, above), this.#qr);
    }
    const lines = this.#config.trimEnd().split('\n');
    for (const [y, line] of lines.flatMap((one) => wrap(one, surface.width)).entries())
      surface.text(0, y, line);
  }
}
