/** A full screen of blessed's with one header line, on which pages take turns. */
import blessed, { type Widgets } from 'blessed';
import { plain } from '../../text/plain.ts';
import type { Page, PageView } from './page.ts';
import type { Palette } from './palette.ts';
import { filtered, withoutColour } from './plain-output.ts';
import { withCharacters } from './stand-ins.ts';
import { clock, inColumns } from './text.ts';

export interface BoardParts {
  readonly title: string;
  readonly pages: readonly Page[];
  readonly palette: Palette;
  /** Right of the title: how things are, in a few words; and whether that is a warning. */
  readonly headline: (now: number) => { readonly text: string; readonly warn: boolean };
  readonly onQuit: () => void;
}

export class Board {
  readonly #parts: BoardParts;
  readonly #screen: Widgets.Screen;
  readonly #header: Widgets.BoxElement;
  #page = 0;
  #view: PageView;

  /** Takes the terminal until `close`. */
  constructor(parts: BoardParts) {
    this.#parts = parts;
    this.#screen = blessed.screen({
      smartCSR: true,
      fullUnicode: true,
      forceUnicode: true,
      title: plain(parts.title),
      output: filtered(process.stdout, (written) =>
        withCharacters(parts.palette.coloured ? written : withoutColour(written)),
      ),
      // Ctrl-C is ours, like q.
      ignoreLocked: ['C-c'],
    });
    // Frames as Unicode, not in the alternate character set: not every terminal that is reached over ssh knows that one.
    Object.assign(this.#screen.tput, { brokenACS: true, unicode: true });
    // Every change is placed by line and column: what stands before it may have moved the cursor anywhere.
    const { strings } = this.#screen.tput as unknown as { readonly strings: Record<string, string> };
    strings.parm_right_cursor = '';
    this.#header = blessed.box({
      parent: this.#screen,
      top: 0,
      left: 0,
      height: 1,
      width: '100%',
      tags: true,
    });
    this.#view = this.#build();
    this.#screen.key(['q', 'C-c', 'escape'], () => parts.onQuit());
    this.#screen.key(['right', 'space', 'tab', 'n'], () => this.turn(1));
    this.#screen.key(['left', 'S-tab', 'p'], () => this.turn(-1));
    this.#screen.on('resize', () => this.turn(0));
  }

  /** To another page, or the same one built anew. */
  turn(by: number): void {
    const { pages } = this.#parts;
    this.#page = (this.#page + by + pages.length) % pages.length;
    for (const element of this.#view.elements) element.destroy();
    this.#view = this.#build();
    this.draw(Date.now());
  }

  draw(now: number): void {
    const { title, pages, palette, headline } = this.#parts;
    const { text, warn } = headline(now);
    const page = pages[this.#page];
    const where = pages.length > 1 ? `  ${page?.title} ${this.#page + 1}/${pages.length}` : '';
    const right = `${clock(now)} `;
    const room = Number(this.#screen.width) - right.length;
    const left = inColumns(` ${title}${where}  ${text}`, room);
    const colour = warn ? palette.warn : palette.quiet;
    this.#header.setContent(
      colour === 'default' ? `{inverse}${left}${right}{/}` : `{${colour}-fg}{inverse}${left}${right}{/}`,
    );
    this.#view.fill(now);
    this.#screen.render();
  }

  close(): void {
    this.#screen.destroy();
  }

  #build(): PageView {
    const page = this.#parts.pages[this.#page];
    if (!page) throw new Error('a board has pages');
    return page.build({ screen: this.#screen, palette: this.#parts.palette });
  }
}
