/** How quickstart tells what it does: numbered steps, each with what came of it. */
import type { Output } from '../../manner/output.ts';
import { wrap } from '../../manner/text.ts';

const INDENT = '   ';

export interface StepRecord {
  readonly step: string;
  /** `done` now, or `there` from an earlier run. */
  state: 'done' | 'there';
}

export class Steps {
  readonly out: Output;
  readonly records: StepRecord[] = [];

  constructor(out: Output) {
    this.out = out;
  }

  begin(title: string): void {
    this.records.push({ step: title, state: 'done' });
    if (this.#told) this.out.line(`\n${this.out.paint('bold', `${this.records.length}. ${title}`)}`);
  }

  /** The step had been taken before. */
  there(text: string): void {
    const current = this.records.at(-1);
    if (current) current.state = 'there';
    this.say(text);
  }

  say(text: string): void {
    const { width } = this.out.terminal;
    this.lines(text.split('\n').flatMap((line) => wrap(line, width - INDENT.length)));
  }

  /** As they are: tables, and what programs say. */
  lines(lines: readonly string[]): void {
    if (this.#told) this.out.lines(lines.map((line) => `${INDENT}${line}`));
  }

  get #told(): boolean {
    return !this.out.json && !this.out.quiet;
  }
}
