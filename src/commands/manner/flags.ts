/** Flags and arguments that many commands share. Words of one meaning have one name everywhere. */
import { string as stringArg } from '@oclif/core/args';
import { boolean, custom, option, string } from '@oclif/core/flags';
import { BorealisError } from '../../protocol/errors.ts';
import { parseDuration } from './time.ts';

const GLOBAL = { helpGroup: 'GLOBAL' } as const;

export const globalFlags = {
  json: boolean({ ...GLOBAL, summary: 'One JSON document on standard output, nothing else.' }),
  quiet: boolean({ ...GLOBAL, char: 'q', summary: 'No hints, no progress, no confirmations.' }),
  yes: boolean({ ...GLOBAL, char: 'y', summary: 'Do it without asking.' }),
  'no-color': boolean({ ...GLOBAL, summary: 'No colour (NO_COLOR does the same).' }),
  socket: string({
    ...GLOBAL,
    helpValue: 'PATH',
    summary: "The engine's socket (BOREALIS_SOCKET does the same).",
  }),
  help: boolean({ ...GLOBAL, char: 'h', summary: 'Show how it is used.' }),
};

/** oclif would read a missing argument from standard input; ours come from the command line alone. */
type Described = { readonly description: string };
export const required = (description: string) =>
  stringArg({ description, required: true, ignoreStdin: true });
export const optional = ({ description }: Described) => stringArg({ description, ignoreStdin: true });
export const several = (description: string) =>
  stringArg({ description, required: true, multiple: true, ignoreStdin: true });
export const anyNumber = (description: string) =>
  stringArg({ description, multiple: true, ignoreStdin: true });

export const deviceArg = required('Name, GUID, or a unique prefix of either.');

export const vpnArg = required('Name or id of the VPN service.');
export const connectionArg = required('Name or id of the connection.');

export const watchFlag = boolean({ char: 'w', summary: 'Keep it current until Ctrl-C.' });

export const FORMATS = ['table', 'json', 'yaml', 'name'] as const;
export type Format = (typeof FORMATS)[number];
export const outputFlag = option({
  char: 'o',
  options: FORMATS,
  helpValue: FORMATS.join('|'),
  summary: 'Show it as a table, as JSON, as YAML, or only the names.',
})();

/** Seconds. */
export const durationFlag = custom<number>({
  helpValue: 'DURATION',
  parse: async (text) => parseDuration(text),
});

/** `--tag key=value`, repeated. */
export const tagFlag = (summary: string) =>
  string({ multiple: true, multipleNonGreedy: true, helpValue: 'KEY=VALUE', summary });

/** Errors: USAGE. */
export const readTags = (given: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      if (at < 1 || at === text.length - 1)
        throw new BorealisError('USAGE', {
          detail: `“${text}” is not a tag.`,
          next: 'Write it like env=prod.',
        });
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );

export const contextFlag = option({
  options: ['system', 'user'] as const,
  helpValue: 'system|user',
  summary: "Which of the device's two agents: as root, or as its user.",
})();

/** Which devices, besides those named one by one. */
export const selectionFlags = {
  tag: tagFlag('Every device with this tag; repeated, with all of them.'),
  site: string({ helpValue: 'SITE', summary: 'Every device of this site.' }),
  all: boolean({ summary: 'Every device.' }),
};

interface SelectionGiven {
  readonly tag?: readonly string[] | undefined;
  readonly site?: string | undefined;
  readonly all?: boolean;
}

/** As the protocol wants it. Errors: NO_TARGETS. */
export const readSelection = (devices: readonly string[], { tag, site, all }: SelectionGiven) => {
  if (devices.length === 0 && !tag && site === undefined && !all) throw new BorealisError('NO_TARGETS');
  return {
    ...(devices.length > 0 && { devices: [...devices] }),
    ...(tag && { tags: readTags(tag) }),
    ...(site !== undefined && { site }),
    ...(all && { all }),
  };
};
