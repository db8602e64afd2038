/** What a copy has come to: counted over all its connections, shown as it goes on. */
import type { CopyWatch } from '../../../copy/problems.ts';
import type { CopyEntry, CopyProblem } from '../../../protocol/copy.ts';
import type { Output } from '../../manner/output.ts';
import { Pace } from '../../manner/pace.ts';
import { Progress } from '../../manner/progress.ts';
import { plural } from '../../manner/size.ts';
import { plain } from '../../manner/text.ts';

/** So many are said one by one. */
const TOLD_MOST = 50;

export class Tally implements CopyWatch {
  /** In their place, the unchanged ones with them. */
  files = 0;
  unchanged = 0;
  links = 0;
  /** Of the files in their place. */
  bytes = 0;
  /** That went over. */
  transferred = 0;
  readonly problems: CopyProblem[] = [];
  /** Called with bytes as they go over. */
  onMoved: (bytes: number) => void = () => {};
  readonly #out: Output;
  readonly #progress: Progress;
  readonly #told = new Set<string>();
  readonly #pace = new Pace();
  #found = { files: 0, bytes: 0 };
  #counted = false;
  /** Of files that are not in their place yet. */
  #passed = 0;
  #latest = '';

  constructor(out: Output) {
    this.#out = out;
    this.#progress = new Progress(out);
  }

  get failed(): number {
    return this.problems.filter(({ left_out }) => !left_out).length;
  }

  get leftOut(): number {
    return this.problems.length - this.failed;
  }

  began(): void {
    this.#found = { files: this.files, bytes: this.bytes };
    this.#passed = 0;
    this.#counted = false;
    this.#pace.forget();
  }

  found(entry: CopyEntry): void {
    if (entry.kind !== 'file') return;
    this.#found.files += 1;
    this.#found.bytes += entry.size;
  }

  counted(): void {
    this.#counted = true;
  }

  moved(count: number): void {
    this.transferred += count;
    this.#passed += count;
    this.onMoved(count);
    this.show();
  }

  kept(count: number): void {
    this.#passed += count;
    // What did not have to go over says nothing of how fast the rest will.
    this.#pace.forget();
    this.show();
  }

  done(entry: CopyEntry, unchanged: boolean): void {
    if (entry.kind === 'link') this.links += 1;
    if (entry.kind !== 'file') return;
    this.files += 1;
    if (unchanged) this.unchanged += 1;
    this.bytes += entry.size;
    this.#passed -= entry.size;
    this.#latest = entry.path;
  }

  problem(problem: CopyProblem): void {
    const { path, message } = problem;
    const key = `${path}\0${message}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.problems.push(problem);
    if (this.problems.length <= TOLD_MOST) this.#out.warn(`${plain(path)}: ${plain(message)}`);
    if (this.problems.length === TOLD_MOST) this.#out.warn('what else is left is counted at the end.');
  }

  show(): void {
    this.#progress.show(() => this.#line());
  }

  clear(): void {
    this.#progress.clear();
  }

  #line(): string {
    const done = Math.max(0, this.bytes + this.#passed);
    const { files, bytes: total } = this.#found;
    // While the tree is being walked, there is more than is known.
    const parts = [
      this.#pace.text(done, total, { grows: !this.#counted }),
      ...(files > 1 ? [`${this.files} of ${plural(files, 'file')}`, plain(this.#latest)] : []),
    ];
    return parts.filter((part) => part !== '').join(' · ');
  }
}
