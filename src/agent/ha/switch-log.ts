/** Switches that the engine does not know of yet, kept over restarts: it may be down just when they happen. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type HaSwitch, haSwitch } from '../../protocol/bastion.ts';
import { writeFileDurably } from '../../sys/files.ts';

/** Nobody reads of more than the last ones of a night without an engine. */
const KEPT = 64;

export class SwitchLog {
  readonly #file: string;
  #switches: HaSwitch[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /** What cannot be read is no reason to leave an address unserved: it begins empty. */
  async open(): Promise<void> {
    const text = await readFile(this.#file, 'utf8').catch(() => '[]'); // none was kept yet
    try {
      this.#switches = z.array(haSwitch).parse(JSON.parse(text));
    } catch {
      this.#switches = [];
    }
  }

  get all(): readonly HaSwitch[] {
    return this.#switches;
  }

  add(one: HaSwitch): Promise<void> {
    this.#switches = [...this.#switches, one].slice(-KEPT);
    return this.#write();
  }

  /** The engine has them. */
  seen(ids: readonly string[]): Promise<void> {
    const before = this.#switches.length;
    this.#switches = this.#switches.filter(({ id }) => !ids.includes(id));
    return this.#switches.length === before ? Promise.resolve() : this.#write();
  }

  /** One after the other: the newest is written last. */
  #write(): Promise<void> {
    const text = `${JSON.stringify(this.#switches)}\n`;
    const turn = this.#last.then(() => writeFileDurably(this.#file, text, { mode: 0o600 }));
    this.#last = turn.catch(() => undefined); // whose turn it was hears of it
    return turn;
  }
}
