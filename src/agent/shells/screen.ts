/**
 * What a shell's terminal shows: an emulator that is fed all output, and can be asked for what to write to an empty
 * terminal so that it shows the same. Loaded with the first shell: it takes memory that an agent without shells saves.
 */
import type { Terminal } from '@xterm/headless';
import { setWidths } from '../../emulator/width.ts';
import type { TerminalSize } from './pty.ts';
import { mendErase, mendWrap, writeNow } from './screen-core.ts';
import { serializeScreen } from './screen-serialize.ts';

/** Lines above the screen that are kept: 12 bytes for each of their columns. */
export const SCROLLBACK_LINES = 1_000;
/** The emulator knows no narrower terminal. */
const COLUMNS_MIN = 2;

export class Screen {
  readonly #terminal: Terminal;
  #title = '';
  #modifyOtherKeys = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    setWidths(terminal);
    mendErase(terminal);
    mendWrap(terminal);
    terminal.onTitleChange((title) => {
      this.#title = printable(title);
    });
    // False: it is still the emulator's own to deal with.
    terminal.parser.registerCsiHandler({ prefix: '>', final: 'm' }, ([key, value]) => {
      if (key === 4) this.#modifyOtherKeys = typeof value === 'number' && value > 0 ? value : 0;
      return false;
    });
  }

  /** Throws what the emulator throws; it goes on with what is written next. A UTF-8 character may come in parts. */
  write(bytes: Uint8Array): void {
    writeNow(this.#terminal, bytes);
  }

  resize({ cols, rows }: TerminalSize): void {
    this.#terminal.resize(Math.max(COLUMNS_MIN, cols), rows);
  }

  /** Text that makes an empty terminal of the same size look and behave like this one. */
  serialize(): string {
    return serializeScreen(this.#terminal, {
      title: this.#title,
      modifyOtherKeys: this.#modifyOtherKeys,
    });
  }

  dispose(): void {
    this.#terminal.dispose();
  }
}

export async function openScreen({ cols, rows }: TerminalSize): Promise<Screen> {
  const module = await import('@xterm/headless');
  // It is CommonJS: what Node makes of its exports is not what esbuild makes of them.
  const { Terminal } = 'default' in module ? (module.default as typeof module) : module;
  return new Screen(
    new Terminal({
      cols: Math.max(COLUMNS_MIN, cols),
      rows,
      scrollback: SCROLLBACK_LINES,
      allowProposedApi: true,
    }),
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what ends a title early
const printable = (text: string): string => text.replace(/[\x00-\x1f\x7f-\x9f]/g, '').slice(0, 1_000);
