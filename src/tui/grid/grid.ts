/** The screen as cells. A wide character takes its own cell and an empty one after it. */
import { PLAIN } from './style.ts';

export class Grid {
  readonly width: number;
  readonly height: number;
  readonly chars: string[];
  readonly styles: Uint32Array;
  /** Where the terminal's cursor shall stand; hidden where undefined. */
  cursor: { x: number; y: number } | undefined;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.chars = new Array<string>(width * height).fill(' ');
    this.styles = new Uint32Array(width * height).fill(PLAIN);
  }

  clear(): void {
    this.chars.fill(' ');
    this.styles.fill(PLAIN);
    this.cursor = undefined;
  }

  /** As text, without the blanks at the ends of lines. */
  toText(): string {
    const lines: string[] = [];
    for (let y = 0; y < this.height; y++)
      lines.push(
        this.chars
          .slice(y * this.width, (y + 1) * this.width)
          .join('')
          .trimEnd(),
      );
    return lines.join('\n');
  }
}
