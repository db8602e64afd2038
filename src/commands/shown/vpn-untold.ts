/** Who has not heard that a service, or its pair, is no more goes on: whoever ended it must know. */
import type { Output } from '../manner/output.ts';

/** `vpn`: its name. `address`: of its pair, where it had one. */
export const warnUntold = (
  out: Pick<Output, 'warn'>,
  untold: readonly string[],
  vpn: string,
  address?: string,
): void => {
  if (untold.length === 0) return;
  const isOne = untold.length === 1;
  const [it, s] = isOne ? ['it', 's'] : ['they', ''];
  const keeps =
    address === undefined ? '' : `, and keep${s} ${address} where ${it} ha${isOne ? 's' : 've'} it,`;
  out.warn(
    `${untold.join(' and ')} do${isOne ? 'es' : ''} not know of it yet: ${it} go${isOne ? 'es' : ''} on with ${vpn}${keeps} ` +
      `until ${it} ${isOne ? 'is' : 'are'} connected and ha${isOne ? 's' : 've'} heard of it.`,
  );
};
