/** Who has not heard that a service, or its pair, is no more goes on: whoever ended it must know. */

/** Undefined where all have heard. `vpn`: its name. `address`: of its pair, where it had one. */
export const untoldSentence = (
  untold: readonly string[],
  vpn: string,
  address?: string,
): string | undefined => {
  if (untold.length === 0) return undefined;
  const isOne = untold.length === 1;
  const [it, s] = isOne ? ['it', 's'] : ['they', ''];
  const keeps =
    address === undefined ? '' : `, and keep${s} ${address} where ${it} ha${isOne ? 's' : 've'} it,`;
  return (
    `${untold.join(' and ')} do${isOne ? 'es' : ''} not know of it yet: ${it} go${isOne ? 'es' : ''} on with ${vpn}${keeps} ` +
    `until ${it} ${isOne ? 'is' : 'are'} connected and ha${isOne ? 's' : 've'} heard of it.`
  );
};
