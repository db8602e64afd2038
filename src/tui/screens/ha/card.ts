/** Below the list: why the pair under the cursor is as it is. */
import type { HaPair } from '../../../protocol/ha.ts';
import { wrap } from '../../../text/width.ts';
import { BOLD, style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';
import { holderSentence, pairLook } from './look.ts';

export const drawCard = (surface: Surface, pair: HaPair): void => {
  const { role } = pairLook(pair);
  surface.text(0, 0, `${holderSentence(pair)}.`, style(role, 'page', BOLD));
  for (const [index, line] of wrap(pair.reason, surface.width).slice(0, 2).entries())
    surface.text(0, 1 + index, line);
};
