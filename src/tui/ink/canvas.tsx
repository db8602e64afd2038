/** A box of the layout whose content is drawn. */
import { Box, type BoxProps, type DOMElement } from 'ink';
import { use, useLayoutEffect, useRef } from 'react';
import { type Draw, type Placed, StageContext } from './stage.tsx';

export interface CanvasProps extends BoxProps {
  readonly draw: Draw;
  readonly layer?: number;
}

export const Canvas = ({ draw, layer = 0, ...box }: CanvasProps) => {
  const element = useRef<DOMElement>(null);
  const placed = useRef<Placed>(null);
  const stage = use(StageContext);
  placed.current ??= { element: () => element.current, draw, layer };
  placed.current.draw = draw;
  useLayoutEffect(() => {
    const mine = placed.current;
    if (!mine) return;
    stage.add(mine);
    return () => void stage.delete(mine);
  }, [stage]);
  return <Box ref={element} {...box} />;
};
