/** Every key of every screen: what docs/keys.md is made from. */
import { approvalKeys } from '../screens/approval/keys.ts';
import { auditKeys } from '../screens/audit/keys.ts';
import { codeKeys } from '../screens/code/keys.ts';
import { deviceKeys, deviceListKeys } from '../screens/device/keys.ts';
import { haKeys, haListKeys } from '../screens/ha/keys.ts';
import { jobKeys, jobListKeys } from '../screens/job/keys.ts';
import { overviewKeys } from '../screens/overview/keys.ts';
import { scriptKeys } from '../screens/script/keys.ts';
import { sessionKeys } from '../screens/session/keys.ts';
import { shellKeys, typingKeys } from '../screens/shell/keys.ts';
import { tunnelKeys } from '../screens/tunnel/keys.ts';
import { connectionKeys, vpnKeys } from '../screens/vpn/keys.ts';
import { type Bindings, keyName } from './binding.ts';
import { globalKeys, listKeys } from './global.ts';

export const keyTable: readonly (readonly [title: string, bindings: Bindings])[] = [
  ['Everywhere', globalKeys],
  ['In lists', listKeys],
  ['Overview', overviewKeys],
  ['Devices', deviceListKeys],
  ['One device', deviceKeys],
  ['Approvals', approvalKeys],
  ['Jobs', jobListKeys],
  ['One job', jobKeys],
  ['Scripts', scriptKeys],
  ['Codes', codeKeys],
  ['Tunnels', tunnelKeys],
  ['VPN services', vpnKeys],
  ['Connections of a VPN service', connectionKeys],
  ['High availability', haListKeys],
  ['One pair', haKeys],
  ['Sessions', sessionKeys],
  ['Shells side by side', shellKeys],
  ['Shells side by side, while one has the keys', typingKeys],
  ['Audit', auditKeys],
];

/** As Markdown. */
export const keysDocument = (): string => {
  const cell = (key: string): string => `\`${keyName(key).replaceAll('|', '\\|')}\``;
  const sections = keyTable.map(([title, bindings]) =>
    [
      `## ${title}`,
      '',
      '| keys | what they do |',
      '|---|---|',
      ...Object.values(bindings).map(({ keys, title: what }) => `| ${keys.map(cell).join(' ')} | ${what} |`),
    ].join('\n'),
  );
  return `# Keys of \`borealisctl dashboard\`

Made by scripts/generate.ts from src/tui/keys/table.ts. In the dashboard \`?\` shows those that work on the screen that is
open, \`Ctrl-P\` finds any action by its name, and \`:\` takes any command of \`borealisctl\`. The numbers \`1\` to \`9\` and \`0\` open the screens;
\`:\` with a screen's name, as in \`:ha\`, opens any.

${sections.join('\n\n')}
`;
};
