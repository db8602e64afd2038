/** What tunnels to this device need: programs, a device node for wireguard-go, the right to change the network. */
import { existsSync, readFileSync } from 'node:fs';
import type { Check } from '../../protocol/engine.ts';
import { found, ok, skipped } from '../../sys/doctor/check.ts';
import { commandExists, wireguardCheck } from '../../sys/doctor/machine.ts';

/** Bit of CAP_NET_ADMIN in capabilities(7). */
const NET_ADMIN = 12n;
const PACKAGES = { ip: 'iproute2', nft: 'nftables' } as const;

/** `pid`: of the agent that runs, whose rights count; ours where none does. */
export const tunnelChecks = (pid: number | null): Check[] => {
  if (process.platform !== 'linux') return [skipped('tunnels', 'There are no tunnels to this system.')];
  const wireguard = wireguardCheck();
  const inKernel = existsSync('/sys/module/wireguard');
  return [programsCheck(), wireguard, ...(inKernel ? [] : [tunCheck()]), capabilityCheck(pid)];
};

const programsCheck = (): Check => {
  const missing = (['ip', 'nft'] as const).filter((name) => !commandExists(name));
  if (missing.length === 0) return ok('tunnel_programs', 'ip and nft, which tunnels use, are here.');
  return found(
    'warn',
    'tunnel_programs',
    `Without ${missing.join(' and ')} there are no tunnels to this device, and no shells.`,
    `apt-get install ${missing.map((name) => PACKAGES[name]).join(' ')}, then restart the agent`,
  );
};

const tunCheck = (): Check =>
  existsSync('/dev/net/tun')
    ? ok('tun', '/dev/net/tun is here, through which wireguard-go works.')
    : found(
        'warn',
        'tun',
        'There is no /dev/net/tun, without which wireguard-go makes no interface.',
        'modprobe tun; in a container, pass it in: --device /dev/net/tun',
      );

const capabilityCheck = (pid: number | null): Check => {
  const who = pid === null ? 'This process' : `Process ${pid}`;
  const effective = capabilitiesOf(pid);
  if (effective === undefined)
    return skipped('net_admin', `What ${who.toLowerCase()} may do cannot be read.`);
  if (((effective >> NET_ADMIN) & 1n) === 1n) return ok('net_admin', `${who} may change the network.`);
  return found(
    'warn',
    'net_admin',
    `${who} may not change the network (CAP_NET_ADMIN): no tunnels to this device.`,
    'Run the agent as root; in a container, add the capability: --cap-add NET_ADMIN',
  );
};

/** CapEff of proc_pid_status(5). */
const capabilitiesOf = (pid: number | null): bigint | undefined => {
  try {
    const status = readFileSync(`/proc/${pid ?? 'self'}/status`, 'utf8');
    const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
    return digits === undefined ? undefined : BigInt(`0x${digits}`);
  } catch {
    return undefined; // it ended meanwhile, or /proc is hidden
  }
};
