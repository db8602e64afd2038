/** Lines with gaps, and up to the top: the chart knows only lines through all of their points, and draws the highest above itself. */

/** Of drawille-canvas, what the chart draws its lines with. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/**
 * A point whose place is NaN lifts the pen; the next one puts it down there. What is above the chart, as 100% of 100 is
 * by two dots, is drawn at its top: full load is not to look like none.
 */
export const mendPen = (pen: Pen): void => {
  const lineTo = pen.lineTo.bind(pen);
  let isUp = false;
  pen.lineTo = (x, place) => {
    const y = Math.max(0, place);
    if (Number.isNaN(y)) isUp = true;
    else if (isUp) {
      isUp = false;
      pen.moveTo(x, y);
    } else lineTo(x, y);
  };
};
