/**
 * A line on which frames take their time. The kernel's own (netem) is missing on many machines, so a small program
 * carries the frames between two TAP devices, which are two ends of it: linux, Documentation/networking/tuntap.rst.
 */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { Host } from './host.ts';
import { startInside } from './inside.ts';

/** Runs in the host's namespaces. Timers of one length end in the order in which they were set: no frame overtakes. */
const PROGRAM = `
  const fs = require('node:fs');
  const ioctl = require(process.argv[1]).load('libc.so.6').func('int ioctl(int, ulong, ...)');
  const TUNSETIFF = 0x400454ca, IFF_TAP_NO_PI = 0x1002, ms = Number(process.argv[2]);
  const [a, b] = process.argv.slice(3).map((name) => {
    const request = Buffer.alloc(40);
    request.write(name);
    request.writeUInt16LE(IFF_TAP_NO_PI, 16);
    const end = fs.openSync('/dev/net/tun', 'r+');
    if (ioctl(end, TUNSETIFF, 'void *', request) < 0) throw new Error('no TAP device ' + name);
    return end;
  });
  const carry = (from, to) => {
    const frame = Buffer.allocUnsafe(65_536);
    fs.read(from, frame, 0, frame.length, null, (error, size) => {
      // An end is down while it is being plugged.
      const arrive = (bytes) => fs.write(to, bytes, () => {});
      if (!error) setTimeout(arrive, ms, frame.subarray(0, size));
      carry(from, to);
    });
  };
  carry(a, b);
  carry(b, a);
  // A read that waits for a frame would keep it from ending in any other way.
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
  console.log('ready');
`;

export interface SlowLine {
  /** Unplugs it. */
  readonly end: () => Promise<void>;
}

/** Several may be on one host. */
let count = 0;

/**
 * Where the module br_netfilter is loaded, frames would go by the host's own filter and NAT as they pass the line, and a
 * connection that is translated there and once more behind it is dead. Of this network namespace alone.
 */
const UNFILTERED = 'for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e "$f" ] || echo 0 >"$f"; done';

/** Puts it between a port of a bridge and that bridge: frames take `ms`, in each direction. */
export async function slowLine(host: Host, bridge: string, port: string, ms: number): Promise<SlowLine> {
  const koffi = createRequire(import.meta.url).resolve('koffi');
  count += 1;
  const slow = `slow${count}`;
  const { child, line } = startInside(host, PROGRAM, [koffi, String(ms), `${slow}a`, `${slow}b`]);
  if ((await line) !== 'ready') throw new Error('the slow line did not start');
  host.run('sh', '-c', UNFILTERED);
  host.ip(
    `link add ${slow} type bridge`,
    `link set ${slow} up`,
    `link set ${slow}a master ${slow} up`,
    `link set ${slow}b master ${bridge} up`,
    `link set ${port} master ${slow}`,
  );
  return {
    end: async () => {
      host.ip(`link set ${port} master ${bridge}`);
      const ended = once(child, 'close');
      child.stdin?.end();
      await ended;
      host.ip(`link del ${slow}`);
    },
  };
}
