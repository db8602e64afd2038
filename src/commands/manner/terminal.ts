/** What stands at the other end of our standard streams, and what may be sent there. */

export interface Terminal {
  /** Columns of standard output; Infinity where it is no terminal. */
  readonly width: number;
  readonly height: number;
  /** Standard output is a terminal: relative times, shortened tables. */
  readonly interactive: boolean;
  readonly color: { readonly stdout: boolean; readonly stderr: boolean };
  /** Standard error is a terminal: progress may be drawn there. */
  readonly progress: boolean;
  /** A question can be asked and answered. */
  readonly canAsk: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

export const readTerminal = (env: Environment, noColor: boolean): Terminal => {
  const { stdout, stderr, stdin } = process;
  const interactive = stdout.isTTY === true;
  // https://no-color.org: any value that is not empty.
  const wanted = !noColor && !env.NO_COLOR && env.TERM !== 'dumb';
  return {
    width: interactive ? stdout.columns || 80 : Infinity,
    height: interactive ? stdout.rows || 24 : Infinity,
    interactive,
    color: { stdout: wanted && interactive, stderr: wanted && stderr.isTTY === true },
    progress: stderr.isTTY === true && env.TERM !== 'dumb',
    canAsk: stdin.isTTY === true && stderr.isTTY === true,
  };
};
