/** How quickstart tells what it does: numbered steps, each with what came of it. */
import type { Output } from '../../manner/output.ts';

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
    if (this.#told) this.out.lines(text.split('\n').map((line) => `   ${line}`));
  }

  lines(lines: readonly string[]): void {
    if (this.#told) this.out.lines(lines.map((line) => `   ${line}`));
  }

  get #told(): boolean {
    return !this.out.json && !this.out.quiet;
  }
}
