/** Wires between namespaces. */
import type { Namespace } from './namespace.ts';

/** A veth pair with an address on either end. */
export const wire = (a: Namespace, addressA: string, b: Namespace, addressB: string): void => {
  const [endA, endB] = [`w${b.holder}`, `w${a.holder}`];
  a.runInNetwork('ip', ...`link add ${endA} type veth peer name ${endB} netns ${b.holder}`.split(' '));
  for (const [host, end, address] of [
    [a, endA, addressA],
    [b, endB, addressB],
  ] as const) {
    host.run('ip', 'address', 'add', address, 'dev', end);
    host.run('ip', 'link', 'set', end, 'up');
  }
};
