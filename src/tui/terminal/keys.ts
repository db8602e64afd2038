/** From the bytes of a terminal to what was meant: keys, pasted text, the mouse, answers of the terminal. */

export type Input =
  | { readonly type: 'key'; readonly key: string; readonly text: string }
  | { readonly type: 'paste'; readonly text: string }
  | {
      readonly type: 'mouse';
      readonly action: 'press' | 'up' | 'down';
      readonly x: number;
      readonly y: number;
    }
  /** An operating system command's answer, without its introducer. */
  | { readonly type: 'report'; readonly text: string };

const FINAL: Readonly<Record<string, string>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  E: 'begin',
  F: 'end',
  H: 'home',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
  Z: 'shift-tab',
};
const TILDE: Readonly<Record<number, string>> = {
  1: 'home',
  2: 'insert',
  3: 'delete',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
  11: 'f1',
  12: 'f2',
  13: 'f3',
  14: 'f4',
  15: 'f5',
  17: 'f6',
  18: 'f7',
  19: 'f8',
  20: 'f9',
  21: 'f10',
  23: 'f11',
  24: 'f12',
};
const PASTE_ENDS = '\u001b[201~';
/** Nothing that a terminal sends by itself is longer; without an end it is no sequence. */
const LONGEST = 4_096;

/** The parser of xterm's sequences. `feed` returns what is complete; a lone ESC waits for `flush`. */
export class KeyParser {
  #rest = '';

  /** An ESC has come, and it is not yet known whether it is the key or begins a sequence. */
  get waits(): boolean {
    return this.#rest !== '' && !this.#rest.startsWith('\u001b[200~');
  }

  feed(text: string): Input[] {
    let rest = this.#rest + text;
    const found: Input[] = [];
    while (rest !== '') {
      const step = read(rest);
      if (step === undefined) break;
      if (step.input) found.push(step.input);
      rest = rest.slice(step.length);
    }
    this.#rest = rest;
    return found;
  }

  /** Nothing more came: the ESC was the key. */
  flush(): Input[] {
    const rest = this.#rest;
    this.#rest = '';
    if (rest === '') return [];
    return [key('esc', ''), ...(rest.length > 1 ? this.feed(rest.slice(1)) : [])];
  }
}

interface Step {
  readonly length: number;
  readonly input?: Input;
}

const key = (name: string, text: string): Input => ({ type: 'key', key: name, text });

/** Undefined where more must come first. */
const read = (text: string): Step | undefined => {
  if (text[0] !== '\u001b') return plainKey(text);
  if (text.length === 1) return undefined;
  const second = text[1];
  if (second === '[') return controlSequence(text);
  if (second === 'O') {
    if (text.length < 3) return undefined;
    const name = FINAL[text[2] ?? ''];
    return { length: 3, ...(name && { input: key(name, '') }) };
  }
  if (second === ']' || second === 'P') return stringSequence(text);
  if (second === '\u001b') return { length: 1, input: key('esc', '') };
  // With Alt, or after Esc: over a line both come at once, and of the two Esc is what is meant here.
  if (second === '\u007f') return { length: 2, input: key('alt-backspace', '') };
  return { length: 1, input: key('esc', '') };
};

const CONTROLS: Readonly<Record<number, string>> = {
  8: 'backspace',
  9: 'tab',
  13: 'enter',
  10: 'enter',
  127: 'backspace',
};

const plainKey = (text: string): Step => {
  const point = text.codePointAt(0) ?? 0;
  const char = String.fromCodePoint(point);
  const { length } = char;
  const named = CONTROLS[point];
  if (named !== undefined) return { length, input: key(named, '') };
  if (point === 32) return { length, input: key('space', ' ') };
  if (point === 0) return { length, input: key('ctrl-space', '') };
  if (point < 32) return { length, input: key(`ctrl-${CONTROL_NAMES[point - 1] ?? '?'}`, '') };
  if (point >= 128 && point < 160) return { length };
  return { length, input: key(char, char) };
};
const CONTROL_NAMES = 'abcdefghijklmnopqrstuvwxyz[\\]^_';

/** Shift, Alt, Control as xterm counts them. */
const modified = (name: string, parameter: string | undefined): string => {
  const bits = Number(parameter ?? 1) - 1;
  if (!(bits > 0)) return name;
  return `${bits & 4 ? 'ctrl-' : ''}${bits & 2 ? 'alt-' : ''}${bits & 1 ? 'shift-' : ''}${name}`;
};

const controlSequence = (text: string): Step | undefined => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: sequences begin with one
  const match = /^\u001b\[([\x30-\x3f]*)[\x20-\x2f]*([\x40-\x7e])/.exec(text);
  if (!match) return text.length > LONGEST || /[^\x20-\x3f]/.test(text.slice(2)) ? { length: 2 } : undefined;
  const [whole, parameters = '', final = ''] = match;
  if (parameters === '200' && final === '~') return paste(text, whole.length);
  if (parameters.startsWith('<') && (final === 'M' || final === 'm'))
    return { length: whole.length, ...mouse(parameters.slice(1), final) };
  const [first, second] = parameters.split(';');
  const name = final === '~' ? TILDE[Number(first)] : FINAL[final];
  if (name === undefined) return { length: whole.length };
  return { length: whole.length, input: key(modified(name, second), '') };
};

const paste = (text: string, begin: number): Step | undefined => {
  const end = text.indexOf(PASTE_ENDS, begin);
  if (end < 0) return undefined;
  return { length: end + PASTE_ENDS.length, input: { type: 'paste', text: text.slice(begin, end) } };
};

/** SGR reports (xterm's mode 1006): button, column, line; presses of the left button and the wheel count. */
const mouse = (parameters: string, final: string): { input?: Input } => {
  const [button = 0, x = 1, y = 1] = parameters.split(';').map(Number);
  const at = { type: 'mouse', x: x - 1, y: y - 1 } as const;
  if (button === 64) return { input: { ...at, action: 'up' } };
  if (button === 65) return { input: { ...at, action: 'down' } };
  return button === 0 && final === 'M' ? { input: { ...at, action: 'press' } } : {};
};

const stringSequence = (text: string): Step | undefined => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they end with one
  const end = /\u0007|\u001b\\/.exec(text);
  if (!end) return text.length > LONGEST ? { length: 2 } : undefined;
  return {
    length: end.index + end[0].length,
    input: { type: 'report', text: text.slice(2, end.index) },
  };
};
