/** One line of text being written, with the keys that shells have for it. */
import { segments } from '../../text/width.ts';

export class Field {
  value: string;
  /** In UTF-16 units, between graphemes. */
  caret: number;

  constructor(value = '') {
    this.value = value;
    this.caret = value.length;
  }

  set(value: string): void {
    this.value = value;
    this.caret = value.length;
  }

  insert(text: string): void {
    const line = text.replaceAll(/[\r\n]+/g, ' ');
    this.value = this.value.slice(0, this.caret) + line + this.value.slice(this.caret);
    this.caret += line.length;
  }

  /** Whether the key was one for it. */
  key(key: string, text: string): boolean {
    switch (key) {
      case 'left':
        this.caret = this.#before();
        return true;
      case 'right':
        this.caret = this.#after();
        return true;
      case 'home':
      case 'ctrl-a':
        this.caret = 0;
        return true;
      case 'end':
      case 'ctrl-e':
        this.caret = this.value.length;
        return true;
      case 'backspace':
        this.#cut(this.#before(), this.caret);
        return true;
      case 'delete':
        this.#cut(this.caret, this.#after());
        return true;
      case 'ctrl-u':
        this.#cut(0, this.caret);
        return true;
      case 'ctrl-k':
        this.#cut(this.caret, this.value.length);
        return true;
      case 'ctrl-w':
      case 'alt-backspace':
        this.#cut(this.value.slice(0, this.caret).replace(/\S+\s*$/, '').length, this.caret);
        return true;
      default:
        if (text === '') return false;
        this.insert(text);
        return true;
    }
  }

  #cut(from: number, to: number): void {
    this.value = this.value.slice(0, from) + this.value.slice(to);
    this.caret = from;
  }

  #before(): number {
    let last = 0;
    for (const { index } of segments(this.value.slice(0, this.caret))) last = index;
    return last;
  }

  #after(): number {
    for (const { segment } of segments(this.value.slice(this.caret))) return this.caret + segment.length;
    return this.caret;
  }
}
