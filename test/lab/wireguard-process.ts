/** The process behind an interface, where WireGuard is not the kernel's own. */
import type { Host } from './host.ts';

/** Its id; empty where the kernel has it. */
export const wireGuardOf = (host: Host, interfaceName: string): string =>
  host.run('sh', '-c', `pgrep -x -f 'wireguard-go .*${interfaceName}' || true`).trim();

/** The interface goes with it. */
export const loseWireGuard = (host: Host, interfaceName: string): void => {
  const process = wireGuardOf(host, interfaceName);
  if (process === '') host.ip(`link delete dev ${interfaceName}`);
  else host.run('kill', '-KILL', process);
};
