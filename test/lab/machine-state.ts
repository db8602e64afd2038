/** All of a machine that a lab, or the product, could leave behind: as text, to be compared with what it was. */
import type { Host } from './host.ts';

/** Processes with the namespaces that they are in, without the one that looks. */
const PROCESSES = `
  const fs = require('node:fs');
  const seen = [];
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      const command = fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').replaceAll('\\0', ' ');
      const namespaces = fs.readdirSync('/proc/' + pid + '/ns').map((kind) => fs.readlinkSync('/proc/' + pid + '/ns/' + kind));
      seen.push(pid + ' ' + command + namespaces.join(' '));
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error; // it has ended
    }
  }
  console.log(seen.join('\\n'));`;

const SECTIONS: readonly (readonly [string, ...string[]])[] = [
  ['ip', '-details', 'address'],
  ['ip', '-4', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
  ['ip', 'rule'],
  ['ip', 'netns'],
  ['nft', 'list', 'ruleset'],
  ['cat', '/proc/self/mountinfo', '/proc/sys/net/ipv4/ip_forward'],
  ['ls', '-RA', '/run'],
  [process.execPath, '-e', PROCESSES],
];

export const machineState = (machine: Host): string =>
  SECTIONS.map(
    ([file, ...args]) => `# ${[file, ...args].slice(0, 3).join(' ')}\n${machine.run(file, ...args)}`,
  )
    .join('\n')
    .replace(/(?<=(expires|_lft) )\S+/g, '…');
