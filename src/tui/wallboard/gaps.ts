/** Lines with gaps: the chart knows only lines through all of their points. */

/** Of drawille-canvas, what the chart draws its lines with. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/** A point whose place is NaN lifts the pen; the next one puts it down there. */
export const liftAtGaps = (pen: Pen): void => {
  const lineTo = pen.lineTo.bind(pen);
  let isUp = false;
  pen.lineTo = (x, y) => {
    if (Number.isNaN(y)) isUp = true;
    else if (isUp) {
      isUp = false;
      pen.moveTo(x, y);
    } else lineTo(x, y);
  };
};
