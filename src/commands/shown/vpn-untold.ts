import { untoldSentence } from '../../text/untold.ts';
import type { Output } from '../manner/output.ts';

/** `vpn`: its name. `address`: of its pair, where it had one. */
export const warnUntold = (
  out: Pick<Output, 'warn'>,
  untold: readonly string[],
  vpn: string,
  address?: string,
): void => {
  const sentence = untoldSentence(untold, vpn, address);
  if (sentence) out.warn(sentence);
};
