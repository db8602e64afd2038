import { expect, test } from 'vitest';
import { parseOsRelease } from '../../src/agent/os-release.linux.ts';

test.each([
  [
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n',
    'Debian GNU/Linux',
    '12',
  ],
  ["NAME='Fedora Linux'\n# NAME=none\nVERSION_ID=42\n", 'Fedora Linux', '42'],
  ['NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux trixie/sid"\n', 'Debian GNU/Linux', ''],
  ['NAME="A \\"quoted\\" \\$name"', 'A "quoted" $name', ''],
  ['', '', ''],
])('os-release(5) %j', (text, distro, release) => {
  expect(parseOsRelease(text)).toEqual({ distro, release });
});
