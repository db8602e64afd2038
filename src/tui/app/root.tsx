/** The whole screen: what is around, what is open, what lies over it. */
import { Box } from 'ink';
import { Fragment } from 'react';
import {
  drawFooter,
  drawHeader,
  drawStale,
  drawToasts,
  staleLines,
  toastLines,
} from '../components/chrome.ts';
import { panel } from '../components/panel.ts';
import { style } from '../grid/style.ts';
import { Canvas } from '../ink/canvas.tsx';
import type { App } from './app.ts';
import type { Overlay } from './view.ts';

/** Smaller than this nothing is readable. */
const NARROWEST = 60;
const LOWEST = 15;

export const Root = ({ app }: { readonly app: App }) => {
  const { columns, rows } = app.host;
  if (columns < NARROWEST || rows < LOWEST)
    return (
      <Canvas
        key="small"
        width={columns}
        height={rows}
        draw={(surface) => {
          surface.text(0, 0, `This terminal is ${columns} × ${rows}.`);
          surface.text(0, 1, 'The dashboard takes 80 × 24.', style('muted'));
        }}
      />
    );
  const { view } = app;
  const toasts = toastLines(app.toasts.shown, columns, rows);
  const stale = staleLines(app);
  return (
    <Box flexDirection="column" width={columns} height={rows}>
      <Canvas height={2} flexShrink={0} draw={(surface) => drawHeader(surface, app)} />
      {stale.length > 0 && (
        <Canvas height={stale.length} flexShrink={0} draw={(surface) => drawStale(surface, stale)} />
      )}
      <Box key={keyOf(view)} flexGrow={1} flexBasis={0} flexDirection="column" overflow="hidden">
        {view.render()}
      </Box>
      {toasts.length > 0 && (
        <Canvas height={toasts.length} flexShrink={0} draw={(surface) => drawToasts(surface, toasts)} />
      )}
      <Canvas height={1} flexShrink={0} draw={(surface) => drawFooter(surface, app)} />
      {app.overlays.map((overlay, index) => (
        <Fragment key={keyOf(overlay)}>
          <Over overlay={overlay} columns={columns} rows={rows} layer={10 + index} />
        </Fragment>
      ))}
    </Box>
  );
};

interface OverProps {
  readonly overlay: Overlay;
  readonly columns: number;
  readonly rows: number;
  readonly layer: number;
}

const Over = ({ overlay, columns, rows, layer }: OverProps) => {
  if (overlay.whole?.(columns, rows))
    return (
      <Box position="absolute" width={columns} height={rows - 1}>
        <Canvas
          layer={layer}
          width={columns}
          height={rows - 1}
          draw={(surface) => {
            surface.fill(0, 0, surface.width, surface.height, style());
            overlay.draw(surface);
          }}
        />
      </Box>
    );
  const wanted = overlay.size(columns - 4, rows - 4);
  // The frame takes two columns and a blank on each side, and two lines.
  const width = Math.min(columns, wanted.width + 4);
  const height = Math.min(rows - 2, wanted.height + 2);
  return (
    <Box
      position="absolute"
      width={columns}
      height={rows - 1}
      justifyContent={overlay.place === 'bottom' ? 'flex-end' : 'center'}
      alignItems="center"
      flexDirection="column"
    >
      <Canvas
        layer={layer}
        width={width}
        height={height}
        draw={(surface) => {
          surface.fill(0, 0, surface.width, surface.height, style());
          overlay.draw(panel(surface, { title: overlay.title, focus: true }));
        }}
      />
    </Box>
  );
};

/** React knows one thing from another by a key. */
const keys = new WeakMap<object, string>();
let last = 0;
const keyOf = (thing: object): string => {
  let key = keys.get(thing);
  if (key === undefined) {
    key = String(++last);
    keys.set(thing, key);
  }
  return key;
};
