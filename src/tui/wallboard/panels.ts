/** The panels that pages are made of: a frame with a title, lines in it, charts. */
import blessed, { type Widgets } from 'blessed';
import contrib from 'blessed-contrib';
import type { Event } from '../../protocol/event.ts';
import type { Alert, Point } from './fleet.ts';
import { mendPen, type Pen } from './gaps.ts';
import type { PagePlace } from './page.ts';
import type { Palette } from './palette.ts';
import { bar, clock, inColumns, type Unit } from './text.ts';

/** In twelfths of the screen's width, and of its height below the header. */
export interface Area {
  readonly top: number;
  readonly left: number;
  readonly width: number;
  readonly height: number;
}

const HEADER = 1;

const frame = ({ screen, palette }: PagePlace, label: string, area: Area) => {
  const height = Number(screen.height) - HEADER;
  const width = Number(screen.width);
  const at = (twelfth: number, whole: number): number => Math.round((twelfth * whole) / 12);
  const top = at(area.top, height);
  const left = at(area.left, width);
  return {
    top: HEADER + top,
    left,
    height: at(area.top + area.height, height) - top,
    width: at(area.left + area.width, width) - left,
    label: ` ${label} `,
    border: { type: 'line' as const },
    style: { border: { fg: palette.quiet } },
  };
};

export interface Lines {
  readonly box: Widgets.BoxElement;
  readonly columns: number;
  readonly rows: number;
  /** Each line may hold blessed's tags; texts from outside have been through `inColumns`. */
  set(lines: readonly string[]): void;
}

export const lines = (place: PagePlace, label: string, area: Area): Lines => {
  const box = blessed.box({ ...frame(place, label, area), tags: true, wrap: false });
  place.screen.append(box);
  const rows = Number(box.height) - 2;
  return {
    box,
    columns: Number(box.width) - 2,
    rows,
    set: (texts) => box.setContent(texts.slice(0, rows).join('\n')),
  };
};

export const painted = (colour: string, text: string): string =>
  colour === 'default' ? text : `{${colour}-fg}${text}{/}`;

export interface Series {
  readonly title: string;
  /** Null where nothing was measured: drawn as nothing. */
  readonly values: readonly (number | null)[];
}

export interface LineChart {
  readonly box: Widgets.BlessedElement;
  set(at: readonly number[], series: readonly Series[]): void;
}

/** Of a whole terminal of 80 columns and of a wall: names and values as long as there is room. */
const LEGEND = { least: 14, most: 26, share: 0.3 };
/** The chart's own: a blank at the edge, frames. */
const LEGEND_MARGIN = 4;
const LEGEND_FRAME = 3;
/** `14:03`, and blanks. */
const TIME_LABEL = 9;

interface Scale {
  /** The top; left out, it follows the values. */
  readonly most?: number;
  /** A value beside the name in the legend. */
  readonly text?: (value: number) => string;
  /** What the scale counts in, told in the title. */
  readonly unit?: (most: number) => Unit;
}

export const lineChart = (
  place: PagePlace,
  label: string,
  area: Area,
  { most, text = String, unit }: Scale = {},
): LineChart => {
  const { palette } = place;
  const placed = frame(place, label, area);
  const legend = Math.round(Math.min(LEGEND.most, Math.max(LEGEND.least, placed.width * LEGEND.share)));
  /** Of points that are drawn, how many more the legend would cover: so many columns stay empty at the right. */
  const covered =
    (legend + LEGEND_MARGIN) / Math.max(1, placed.width - legend - LEGEND_MARGIN - 2 * LEGEND_MARGIN);
  const box = contrib.line({
    ...placed,
    style: { border: { fg: palette.quiet }, text: palette.lines[0], baseline: 'white' },
    showLegend: true,
    legend: { width: legend },
    xPadding: 2,
    xLabelPadding: 3,
    wholeNumbersOnly: true,
    numYLabels: 5,
    ...(most !== undefined && { maxY: most }),
    minY: 0,
  } as never) as unknown as Widgets.BlessedElement & {
    setData(data: unknown): void;
    setLabel(text: string): void;
    /** There once it is attached. */
    ctx: Pen;
    options: Record<string, unknown>;
  };
  // After it was made: the charts set up their canvas when they are attached.
  place.screen.append(box);
  mendPen(box.ctx);
  return {
    box,
    set(at, series) {
      const { name, size } = unit?.(highest(series)) ?? { name: undefined, size: 1 };
      if (name !== undefined) box.setLabel(` ${label}, ${name} `);
      const drawn = series
        .map(({ title, values }, index) => ({
          title: titled(title, now(values, text), legend - LEGEND_FRAME),
          x: at.map((moment) => clock(moment).slice(0, 5)),
          y: values.map((value) => (value === null ? Number.NaN : value / size)),
          style: { line: palette.lines[index % palette.lines.length] },
        }))
        // Of one point there is no line.
        .filter(({ y }) => y.filter((value) => !Number.isNaN(value)).length > 1);
      // Of nothing but zeros the chart would make a scale without a top.
      box.options.maxY = most ?? (drawn.some(({ y }) => y.some((value) => value > 0)) ? undefined : 1);
      for (const { x, y } of drawn) x.push(...Array<string>(Math.ceil(y.length * covered)).fill(' '));
      const labels = Math.max(1, Math.floor((placed.width - 2 * LEGEND_MARGIN) / TIME_LABEL));
      box.options.showNthLabel = Math.ceil((drawn[0]?.x.length ?? 1) / labels);
      box.setData(drawn.length > 0 ? drawn : [{ title: 'waiting', x: [' ', ' '], y: [0, 0] }]);
    },
  };
};

const highest = (series: readonly Series[]): number =>
  series.reduce(
    (most, { values }) => values.reduce<number>((top, value) => Math.max(top, value ?? 0), most),
    0,
  );

/** In one line of so many columns: the name gives way to the value. */
const titled = (name: string, value: string, columns: number): string =>
  `${inColumns(name, Math.max(3, columns - value.length - 1)).trimEnd()} ${value}`;

const now = (values: readonly (number | null)[], text: (value: number) => string): string => {
  const last = values.at(-1);
  return last === null || last === undefined ? '-' : text(last);
};

export interface Gauge {
  readonly box: Widgets.BlessedElement;
  /** Null: not known. */
  set(percent: number | null, colour: string): void;
}

/** A bar as high as its frame, with the number behind it: read from across a room, and in two lines too. */
export const gauge = (place: PagePlace, label: string, area: Area): Gauge => {
  const panel = lines(place, label, area);
  const width = Math.max(1, panel.columns - 7);
  return {
    box: panel.box,
    set(percent, colour) {
      const drawn = painted(colour, bar(percent ?? 0, width));
      const middle = Math.floor((panel.rows - 1) / 2);
      const text = percent === null ? '-' : `${Math.round(percent)}%`;
      panel.set(
        Array.from({ length: panel.rows }, (_, row) => ` ${drawn} ${row === middle ? text.padStart(4) : ''}`),
      );
    },
  };
};

// What several pages show

export const loadChart = (
  place: PagePlace,
  area: Area,
): { chart: LineChart; set(points: readonly Point[]): void } => {
  const chart = lineChart(place, 'Fleet load, %', area, {
    most: 100,
    text: (value) => `${Math.round(value)}%`,
  });
  return {
    chart,
    set: (points) =>
      chart.set(
        points.map(({ at }) => at),
        [
          { title: 'CPU', values: points.map(({ cpu }) => cpu) },
          { title: 'Memory', values: points.map(({ memory }) => memory) },
        ],
      ),
  };
};

export const setAlerts = (panel: Lines, alerts: readonly Alert[], palette: Palette): void => {
  if (alerts.length === 0) {
    panel.set([painted(palette.good, inColumns(' All is well.', panel.columns))]);
    return;
  }
  const room = alerts.length > panel.rows ? panel.rows - 1 : panel.rows;
  const shown = alerts
    .slice(0, room)
    .map(({ grave, text }) =>
      painted(grave ? palette.bad : palette.warn, inColumns(` ${text}`, panel.columns)),
    );
  const more = alerts.length - shown.length;
  panel.set(more > 0 ? [...shown, inColumns(` and ${more} more`, panel.columns)] : shown);
};

const ALARMING = /^(security\.|device\.(offline|revoked|quarantined|removed))/;
const PLEASING = /^(device\.(online|enrolled|released)|approval\.approved)/;
export const setEvents = (panel: Lines, events: readonly Event[], palette: Palette): void =>
  panel.set(
    events.length === 0
      ? [inColumns(' Nothing has happened yet.', panel.columns)]
      : events
          .slice(-panel.rows)
          .map(({ at, type, message }) =>
            painted(
              ALARMING.test(type) ? palette.bad : PLEASING.test(type) ? palette.good : 'default',
              inColumns(` ${clock(Date.parse(at))} ${message}`, panel.columns),
            ),
          ),
  );
