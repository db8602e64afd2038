/** What the devices of a job have written so far: whole lines, of each device apart, and no more than is looked at. */

const KEPT_BYTES = 65_536;

export interface OutputLine {
  readonly text: string;
  readonly stderr: boolean;
}

export class DeviceOutput {
  #lines: OutputLine[] = [];
  #open: { stdout: string; stderr: string } = { stdout: '', stderr: '' };
  #bytes = 0;

  add(stream: 'stdout' | 'stderr', data: string): void {
    const text = this.#open[stream] + data;
    const lines = text.split(/\r?\n/);
    this.#open[stream] = lines.pop() ?? '';
    for (const line of lines) this.#lines.push({ text: line, stderr: stream === 'stderr' });
    this.#bytes += data.length;
    // The end is what one looks at; all of it is kept by the engine.
    while (this.#bytes > KEPT_BYTES && this.#lines.length > 100) {
      const gone = this.#lines.splice(0, 100);
      this.#bytes -= gone.reduce((sum, { text: line }) => sum + line.length + 1, 0);
    }
  }

  /** What came at last, whole. */
  set(stdout: string, stderr: string): void {
    this.#lines = [];
    this.#open = { stdout: '', stderr: '' };
    this.#bytes = 0;
    this.add('stdout', stdout);
    this.add('stderr', stderr);
  }

  get lines(): readonly OutputLine[] {
    const { stdout, stderr } = this.#open;
    return [
      ...this.#lines,
      ...(stdout === '' ? [] : [{ text: stdout, stderr: false }]),
      ...(stderr === '' ? [] : [{ text: stderr, stderr: true }]),
    ];
  }
}
