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
  // The kernel says so a moment later: not in the midst of what is compared.
  for (const [host, end] of [
    [a, endA],
    [b, endB],
  ] as const)
    host.run('sh', '-c', `until ip -br link show dev ${end} | grep -q ' UP '; do sleep 0.01; done`);
};
