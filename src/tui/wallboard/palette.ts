/** Colours by meaning. Without colour everything is the terminal's own. */
export interface Palette {
  readonly coloured: boolean;
  readonly good: string;
  readonly warn: string;
  readonly bad: string;
  readonly quiet: string;
  readonly lines: readonly string[];
}

const COLOURS: Palette = {
  coloured: true,
  good: 'green',
  warn: 'yellow',
  bad: 'red',
  quiet: 'cyan',
  lines: ['green', 'cyan', 'yellow', 'magenta', 'red', 'blue'],
};
const PLAIN: Palette = {
  coloured: false,
  good: 'default',
  warn: 'default',
  bad: 'default',
  quiet: 'default',
  lines: ['white'],
};

export const palette = (colour: boolean): Palette => (colour ? COLOURS : PLAIN);

/** The usual limits of a load, in percent. */
export const loadColour = ({ good, warn, bad }: Palette, percent: number): string =>
  percent >= 90 ? bad : percent >= 70 ? warn : good;
