import { boolean, string } from '@oclif/core/flags';
import { BorealisError } from '../../protocol/errors.ts';
import { BorealisCommand } from '../manner/command.ts';
import { anyNumber, tagFlag } from '../manner/flags.ts';
import { chooseDevices, doToEach } from '../manner/several.ts';
import { quoteForShell } from '../manner/words.ts';

export default class DeviceTag extends BorealisCommand {
  static override summary = 'Set and remove tags, and the site, of devices.';
  static override description =
    'KEY=VALUE sets a tag, KEY- removes it; what stands before the first of these are devices. Here --site does not ' +
    'choose devices: it sets the site.';
  static override usage = 'device tag DEVICE… [KEY=VALUE…] [KEY-…] [--site SITE]';
  static override examples = [
    'borealisctl device tag web-1 env=prod role=web',
    'borealisctl device tag web-1 web-2 env- --site berlin',
    'borealisctl device tag --tag env=test env=stage',
  ];
  static override args = { words: anyNumber('Devices, then KEY=VALUE and KEY-.') };
  static override strict = false;
  static override flags = {
    site: string({ helpValue: 'SITE', exclusive: ['no-site'], summary: 'Set the site.' }),
    'no-site': boolean({ summary: 'Take the site away.' }),
    tag: tagFlag('Every device that has this tag now; repeated, with all of them.'),
    all: boolean({ summary: 'Every device.' }),
  };
  static override operations = ['device.tag', 'device.show', 'device.list'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DeviceTag);
    const { names, set, remove } = readWords(args.words ?? []);
    const site = flags['no-site'] ? null : flags.site;
    if (Object.keys(set).length + remove.length === 0 && site === undefined)
      throw new BorealisError('USAGE', {
        detail: 'Nothing is to be changed.',
        next: `Write it like: borealisctl device tag ${quoteForShell(names[0] ?? 'DEVICE')} env=prod old-`,
      });
    const chosen = await chooseDevices(this.client, names, { tag: flags.tag, all: flags.all }, () => true);
    const change = { set, remove, ...(site !== undefined && { site }) };
    await doToEach(
      this.out,
      chosen,
      ({ guid }) => this.client.call('device.tag', { device: guid, ...change }),
      ({ name }) => `${name}: ${wordsOf(set, remove, site)}`,
    );
  }
}

/** As kubectl label reads them: the first word with `=`, or with `-` at its end, ends the names. */
const readWords = (words: readonly string[]) => {
  const isChange = (word: string): boolean => word.includes('=') || word.endsWith('-');
  const first = words.findIndex(isChange);
  const names = first < 0 ? words : words.slice(0, first);
  const set: Record<string, string> = {};
  const remove: string[] = [];
  for (const word of words.slice(names.length)) {
    const at = word.indexOf('=');
    if (at > 0 && at < word.length - 1) set[word.slice(0, at)] = word.slice(at + 1);
    else if (at < 0 && word.length > 1 && word.endsWith('-')) remove.push(word.slice(0, -1));
    else
      throw new BorealisError('USAGE', {
        detail: `“${word}” neither sets nor removes a tag.`,
        next: 'Write env=prod to set one, env- to remove it; devices come first.',
      });
  }
  return { names, set, remove };
};

const wordsOf = (set: Record<string, string>, remove: readonly string[], site: string | null | undefined) =>
  [
    ...Object.entries(set).map(([key, value]) => `${key}=${value}`),
    ...remove.map((key) => `${key} removed`),
    ...(site === undefined ? [] : [site === null ? 'no site' : `site ${site}`]),
  ].join(', ');
