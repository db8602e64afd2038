/** WireGuard in the kernel, through ip(8) and wg(8). */
import { must, unless } from './commands.ts';
import type { Driver } from './driver.ts';
import type { WgSystem } from './system.ts';
import { parseDump, renderConf } from './wg-tool.ts';

/** Link group (ip-link(8)) of our interfaces: given as they are made, so no moment is without it. */
export const LINK_GROUP = 30_000;

/**
 * wg reads a file by name only, and the name of our standard input cannot be opened: Node gives its children sockets
 * (ENXIO). A pipe's can. The name is an argument, no text of the script.
 */
const ADD_CONF = 'cat | wg addconf "$1" /dev/stdin';

/** Machines whose kernel has said that it has none. Each time it would look for a module, with a program of its own. */
const without = new WeakSet<WgSystem>();

export const kernelDriver = (system: WgSystem): Driver => ({
  name: 'kernel',

  async find(name, link) {
    if (!link) return { state: 'absent' };
    if (link.group !== String(LINK_GROUP)) {
      return { state: 'foreign', why: "is somebody else's WireGuard interface" };
    }
    const { stdout } = await must(system, 'wg', ['show', name, 'dump']);
    return { state: 'present', device: parseDump(stdout) };
  },

  async create(name) {
    if (without.has(system)) return false;
    const args = ['link', 'add', 'dev', name, 'group', String(LINK_GROUP), 'type', 'wireguard'];
    const made = await unless(system, /Unknown device type|Operation not supported/, 'ip', args);
    if (made === null) without.add(system);
    return made !== null;
  },

  async configure(name, change) {
    const remove = (change.remove ?? []).flatMap((publicKey) => ['peer', publicKey, 'remove']);
    if (remove.length > 0) await must(system, 'wg', ['set', name, ...remove]);
    const conf = renderConf(change);
    if (conf !== '') await must(system, 'sh', ['-c', ADD_CONF, 'wg', name], { input: conf });
  },

  async remove(name) {
    await unless(system, /Cannot find device/, 'ip', ['link', 'delete', 'dev', name]);
  },
});
