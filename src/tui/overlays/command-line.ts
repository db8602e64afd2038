/** `:` any command of borealisctl, with completion. What it prints is shown; what needs the terminal gets it. */
import { width } from '../../text/width.ts';
import type { App } from '../app/app.ts';
import type { CommandWords, Offer } from '../app/cli.ts';
import { Field } from '../app/field.ts';
import type { Overlay } from '../app/view.ts';
import { drawField } from '../components/field.ts';
import { BOLD, style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';
import { offers, splitWords, usageOf, wordsOf } from './command-words.ts';
import { runCommand } from './run-command.ts';

const OFFERS = 8;
/** Of this time with the dashboard, for ↑. */
const history: string[] = [];

export class CommandLine implements Overlay {
  readonly title = 'Command';
  readonly place = 'bottom';
  readonly hints = [
    ['Tab', 'complete'],
    ['↑', 'earlier ones'],
    ['Enter', 'run'],
    ['Esc', 'close'],
  ] as const;
  readonly #app: App;
  readonly #field: Field;
  #commands: readonly CommandWords[] | undefined;
  #offers: readonly Offer[] = [];
  /** What the engine named last, and after which words. */
  #named: { readonly after: string; readonly names: readonly Offer[] } = { after: '', names: [] };
  /** The offer that Tab has come to. */
  #chosen = -1;
  /** Tab was quicker than the names: what it is to do when they are there. */
  #hasty: number | undefined;
  /** The engine is asked what can follow. */
  #asking = false;
  #back = 0;

  constructor(app: App, value = '') {
    this.#app = app;
    this.#field = new Field(value);
    void app.cli.describe().then((commands) => {
      this.#commands = commands;
      this.#offer();
      this.#catchUp();
      app.host.soon();
    });
  }

  size(available: number): { width: number; height: number } {
    return { width: available, height: 1 + OFFERS };
  }

  key(key: string, text: string) {
    this.#hasty = undefined;
    if (key === 'esc' || (key === 'backspace' && this.#field.value === ''))
      return this.#app.closeOverlay(this);
    if (key === 'enter') return this.#run();
    if (key === 'tab') return this.#complete(1);
    if (key === 'shift-tab') return this.#complete(-1);
    if (key === 'up' || key === 'down') return this.#recall(key === 'up' ? 1 : -1);
    if (this.#field.key(key, text)) this.#offer();
  }

  paste(text: string): void {
    this.#field.insert(text);
    this.#offer();
  }

  #offer(): void {
    this.#chosen = -1;
    this.#asking = false;
    if (!this.#commands) return;
    const { value } = this.#field;
    const { words, last } = wordsOf(value);
    const after = words.join('\0');
    if (after !== this.#named.after) this.#named = { after, names: [] };
    this.#offers = offers(this.#commands, value, this.#named.names);
    const known = this.#commands.some(({ noun }) => noun === words[0]);
    if (known && !words.includes('--')) void this.#askNames(value, words, last);
  }

  /** What the engine knows comes when it comes; it is for what was written then, or for nothing. */
  async #askNames(value: string, words: readonly string[], last: string): Promise<void> {
    // Completion is a convenience: what is wrong with the engine, the dashboard says elsewhere.
    this.#asking = true;
    const names = await this.#app.cli.names(words, last).catch(() => []);
    if (!this.#commands || this.#field.value !== value) return;
    this.#asking = false;
    this.#named = { after: words.join('\0'), names };
    this.#offers = offers(this.#commands, value, names);
    this.#catchUp();
    this.#app.host.soon();
  }

  #catchUp(): void {
    const by = this.#hasty;
    if (by === undefined || this.#offers.length === 0) return;
    this.#hasty = undefined;
    this.#complete(by);
  }

  #complete(by: number): void {
    if (this.#offers.length === 0) {
      if (this.#asking || !this.#commands) this.#hasty = by;
      return;
    }
    const { value } = this.#field;
    const start = value.slice(0, wordsOf(value).start);
    if (this.#offers.length === 1) {
      this.#field.set(`${start}${this.#offers[0]?.word ?? ''} `);
      this.#offer();
      return;
    }
    const list = this.#offers;
    this.#chosen = (this.#chosen + by + list.length) % list.length;
    this.#field.set(`${start}${list[this.#chosen]?.word ?? ''}`);
  }

  #recall(by: number): void {
    this.#back = Math.max(0, Math.min(history.length, this.#back + by));
    this.#field.set(this.#back === 0 ? '' : (history.at(-this.#back) ?? ''));
    this.#offer();
  }

  #run() {
    const line = this.#field.value.trim().replace(/^borealisctl\s+/, '');
    const words = splitWords(line);
    if (words === undefined) return this.#app.toasts.note('A quote is still open.');
    this.#app.closeOverlay(this);
    if (words.length === 0) return;
    if (history.at(-1) !== line) history.push(line);
    runCommand(this.#app, words, line);
  }

  draw(surface: Surface): void {
    const y = surface.height - 1;
    surface.text(0, y, ': ', style('accent', 'page', BOLD));
    drawField(surface, 2, y, this.#field);
    const from = Math.max(0, Math.min(this.#chosen - OFFERS + 1, this.#offers.length - OFFERS));
    const shown = this.#offers.slice(from, from + OFFERS);
    const column = Math.min(30, Math.max(12, ...shown.map(({ word }) => width(word))));
    for (const [index, { word, note }] of shown.entries()) {
      const line = y - shown.length + index;
      surface.text(2, line, word, style('accent'), column);
      surface.text(4 + column, line, note, style('muted'));
      if (from + index === this.#chosen) surface.tint(line, 'selected');
    }
    const usage = this.#commands && usageOf(this.#commands, this.#field.value);
    if (usage && shown.length < OFFERS) surface.text(2, y - 1 - shown.length, usage, style('muted'));
    if (!this.#commands) surface.text(2, y - 1, 'Reading the commands…', style('faint'));
    else if (shown.length === 0 && this.#field.value === '')
      surface.text(2, y - 1, 'Type a command.', style('faint'));
  }
}

export const commandLine = (app: App, value = ''): void => app.open(new CommandLine(app, value));
